"""The test server's storage: versioned objects, watches, and the table of resources."""
