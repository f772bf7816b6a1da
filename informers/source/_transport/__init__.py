"""HTTP with the official client's configuration: requests, sockets and bodies."""
