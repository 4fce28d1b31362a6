"""What `bin/demo` runs: the notice board, and the programs in front of it."""
