"""The drivers: one file each, and one line in the list of rooms. None knows of another."""
