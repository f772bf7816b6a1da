"""client-go's informers for Python."""

__version__ = "0.1.0.dev0"
