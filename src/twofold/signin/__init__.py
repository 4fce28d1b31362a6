"""Signing in: what is proven, what is still required, and the attempt between password and code."""
