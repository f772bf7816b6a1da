"""What all factories do, and what a kind's informer is made of."""
