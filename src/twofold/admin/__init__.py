"""What administrators can do with accounts; for now from the command line."""
