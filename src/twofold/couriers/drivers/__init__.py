"""The courier drivers: one module each, independent of one another."""
