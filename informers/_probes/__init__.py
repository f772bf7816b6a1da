"""What probes are made of: an HTTP server that clients can't hold up, and the user's checks."""
