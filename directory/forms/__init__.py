"""Forms of the account, of imports, and of people in the administration."""
