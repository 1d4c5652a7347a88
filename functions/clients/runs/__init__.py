"""`orchestrator runs`: read and control runs with the user's own Kubernetes rights."""
