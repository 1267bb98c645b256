"""The figures of a month, the machine, and the works."""
