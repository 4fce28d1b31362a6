"""Usernames: unique, made from the address of the account, and never given to another account."""
