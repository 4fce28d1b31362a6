"""Codes that are created here and sent: six digits, valid for five minutes, once, and only for their own request."""
