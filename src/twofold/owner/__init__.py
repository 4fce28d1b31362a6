"""What only the owner of an account can do to it: give it another address, and close it."""
