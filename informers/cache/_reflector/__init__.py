"""Keeps a store equal to a source: lists, watches, and what to do when these fail."""
