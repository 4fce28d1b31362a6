"""The recovery code: 125 bits, shown once, good once."""
