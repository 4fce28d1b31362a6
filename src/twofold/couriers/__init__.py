"""Delivery of the messages in the outbox: one module per driver, and one line in the list of features."""
