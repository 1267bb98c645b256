"""The door for switches that ask: answers from memory, never from the database."""
