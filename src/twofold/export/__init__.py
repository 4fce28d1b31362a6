"""Downloading a copy of one's own data."""
