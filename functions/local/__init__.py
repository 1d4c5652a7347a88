"""One machine: the embedded API server, queue and Job runner. On top of everything; nothing else imports it."""
