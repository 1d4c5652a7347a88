"""The endpoints, a module per group; every module here is loaded."""
