"""What every room stands on. Nothing here knows an account or a factor."""
