"""What helps a newcomer to try everything without a gateway or a phone; it exists on one's own machine only."""
