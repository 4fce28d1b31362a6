"""What administrators do for accounts; today by the command line."""
