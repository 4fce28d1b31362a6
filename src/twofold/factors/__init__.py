"""Second factors: what an account has enrolled, how often a code is asked for, and the check of a code."""
