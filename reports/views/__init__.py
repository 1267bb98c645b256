"""Home, search and the state of the works."""
