"""Phone factors: numbers, the codes sent to them, limits on sending, and the kinds of messages."""
