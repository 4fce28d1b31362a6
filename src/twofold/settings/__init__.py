"""The User Settings page, with the cards of all features."""
