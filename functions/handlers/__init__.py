"""Functions by name: one module per deployed function, named like it."""
