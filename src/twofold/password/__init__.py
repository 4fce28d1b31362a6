"""Changing one's password, and setting a new one by a link, mailed or from an administrator."""
