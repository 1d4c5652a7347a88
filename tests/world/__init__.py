"""Cases from the field: inputs of public bug reports, one test per case."""
