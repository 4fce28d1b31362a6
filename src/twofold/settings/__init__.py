"""The User Settings page: cards that the rooms hand in."""
