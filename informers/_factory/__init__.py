"""What all factories share, and how they build the informer of a kind."""
