"""Makes objects from records, when they are read."""
