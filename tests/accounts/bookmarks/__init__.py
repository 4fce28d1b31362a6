"""A kind of thing that a test adds to the service: one folder, one import and one line."""
