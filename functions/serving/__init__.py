"""Parts that all functions share: HTTP edge, dependencies, authentication, watch events."""
