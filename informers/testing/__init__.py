"""Test with informers, without a cluster."""
