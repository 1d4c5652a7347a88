"""What a function tells of its work: whose it is, in which trace, how long it took; sent only where asked for."""
