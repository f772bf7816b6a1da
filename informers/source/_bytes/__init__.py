"""What is done to an object's bytes: compressed, sliced, decoded at any depth."""
