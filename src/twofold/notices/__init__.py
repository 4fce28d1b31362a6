"""Emails to an account about its events, sent by a listener that no change can bypass."""
