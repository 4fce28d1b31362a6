"""Accounts: address, password, state, and the stamp that invalidates whatever depends on old credentials."""
