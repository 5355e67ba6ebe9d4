"""Where messages leave the house, and the only place from which they do."""
