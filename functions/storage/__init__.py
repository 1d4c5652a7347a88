"""Versioned access to the objects that the functions keep on the cluster."""
