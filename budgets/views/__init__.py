"""Pages of budgets, a room for each kind."""
