"""Making an account: sign-up, by invitation, and the first administrator."""
