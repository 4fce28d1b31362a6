"""The name of an account."""
