"""Creating accounts: by sign-up, by invitation, and the first administrator."""
