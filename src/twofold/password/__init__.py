"""Changing one's password, and setting a new one by a link from an administrator."""
