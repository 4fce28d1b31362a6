"""Codes from an authenticator app: time-based one-time passwords, RFC 6238."""
