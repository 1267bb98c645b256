"""Pages of phones: one's own, other people's, and the switch's question."""
