"""The Kubernetes API: a client over plain objects, its errors, credentials, and the list-and-watch loop."""
