"""From records to objects, when they are read."""
