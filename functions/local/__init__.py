"""One machine: the embedded API server, queue and Job runner. Only functions.clients imports it."""
