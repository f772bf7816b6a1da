"""Lists and watches an API server: the only I/O, and the only run-time import of the official client."""
