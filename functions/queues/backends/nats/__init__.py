"""NATS JetStream as the queue, by its client nats-py: publisher, set-up, dead letters, dispatcher."""
