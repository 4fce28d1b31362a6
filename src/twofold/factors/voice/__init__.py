"""Codes by voice call."""
