"""What every function shares: HTTP edge, dependencies, authentication, watch events."""
