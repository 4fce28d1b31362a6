"""Couriers carry what lies in the outbox: one file a driver, one line for it in the list of rooms."""
