"""The foundation of all features. Nothing here names a feature."""
