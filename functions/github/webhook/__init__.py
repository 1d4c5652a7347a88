"""Webhook deliveries: signature, payload filter, events, rules and their decisions, redelivery."""
