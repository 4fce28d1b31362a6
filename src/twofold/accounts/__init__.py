"""Who may sign in: address, password, disabled or not, and the stamp that ends what rests on old credentials."""
