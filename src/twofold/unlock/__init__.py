"""Authenticating again, to unlock the settings of one session for ten minutes."""
