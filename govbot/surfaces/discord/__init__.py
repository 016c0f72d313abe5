"""Discord as a surface: everything in here translates, nothing in here rules."""
