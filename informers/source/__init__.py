"""The server's side of a cache: the only I/O, and the only run-time import of the official client."""
