"""Requests, sockets and bodies: HTTP as the official client is configured for it."""
