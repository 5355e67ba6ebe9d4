"""One file per node type. Each is found by its entry point, as a stranger's is, and knows only `nurture`'s public names."""
