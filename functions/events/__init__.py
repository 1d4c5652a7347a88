"""CloudEvents: one normaliser in, one publisher out."""
