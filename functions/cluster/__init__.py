"""The Kubernetes API: a thin client over plain JSON objects, its error families, list and watch."""
