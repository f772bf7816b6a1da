"""The test server's HTTP: connections, requests, and what is answered."""
