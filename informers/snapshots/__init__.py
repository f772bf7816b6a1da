"""Caches that outlive their process.

- `files`: a file of pieces with a checksum, written as a whole or not at all;
- `functions`: how a function is recognised by a later process;
- `contents`: what is in such a file, what is refused, and why.
"""
