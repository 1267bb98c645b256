"""What everybody has: an account, jobs, imports, help, a look. `base` is what every page of every app stands on."""
