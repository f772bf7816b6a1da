"""The bytes of objects: compressed, sliced, and decoded at any depth."""
