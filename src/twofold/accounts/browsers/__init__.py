"""The browsers and programs in which an account has signed in."""
