"""Changing a password, and resetting it with a link."""
