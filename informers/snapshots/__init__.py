"""Caches that outlive their process.

- `files`: a file of pieces with a checksum, written as a whole or not at all;
- `contents`: what is in such a file, what is refused, and why.
"""
