"""Forms of the account and of imports."""
