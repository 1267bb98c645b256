"""Questions about people, lines, units and jobs."""
