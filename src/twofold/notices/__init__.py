"""Telling the owner by mail what happened to the account: a listener to the events, which nobody can go round."""
