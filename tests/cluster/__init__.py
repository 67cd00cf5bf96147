"""Real Kubernetes for tests: tools built from source, a light cluster and a cluster with a node."""
