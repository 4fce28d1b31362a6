"""A factor kind for tests, whose answer is a signature of a challenge instead of six digits."""
