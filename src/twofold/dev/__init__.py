"""Development pages, to try everything without a gateway or a phone; only on the local machine."""
