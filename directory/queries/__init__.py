"""Questions about people, lines, units, phone books and jobs."""
