"""Trusted computers: for 30 days from the proof, one computer needs no code, until anything of weight changes."""
