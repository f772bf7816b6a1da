"""Saves caches for a later process.

- `files`: a file of pieces with a checksum, written as a whole or not at all;
- `saved_caches`: the contents of such a file, and the reasons to refuse it.
"""
