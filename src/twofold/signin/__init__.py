"""Signing in: what is proven, what is still asked, and the half-open attempt between password and code."""
