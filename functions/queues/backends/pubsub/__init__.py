"""Google Pub/Sub as the queue, by its client library: publisher, set-up and dead letters."""
