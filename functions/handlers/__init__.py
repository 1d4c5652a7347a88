"""One module per function: parse, observe, decide, act. The only place where the other rooms meet."""
