"""The recovery code: 125 bits, shown once, valid once."""
