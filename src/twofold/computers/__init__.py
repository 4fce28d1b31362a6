"""Trusted computers: no code for 30 days after the first, unless the security settings change."""
