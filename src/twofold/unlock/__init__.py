"""Authenticating again: the same proofs as at the door unlock the settings of one session for ten minutes."""
