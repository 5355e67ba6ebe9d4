"""What leads, and the systems that know them, may reach from the internet. Everybody else is turned away at `ours`."""
