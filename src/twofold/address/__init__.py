"""Confirming and changing the email address of an account."""
