"""The test server's rules: what it accepts, completes and refuses, as a kube-apiserver does."""
