"""Google Pub/Sub as the queue: publisher, set-up and dead letters."""
