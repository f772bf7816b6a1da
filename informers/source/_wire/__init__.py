"""Makes records from bytes."""
