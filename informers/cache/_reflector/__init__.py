"""Keeps a store equal to a source: lists, watches, and recovers from failures."""
