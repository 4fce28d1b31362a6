"""Codes that are made here and sent: six digits, five minutes, good once, and only for what they were asked for."""
