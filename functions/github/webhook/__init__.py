"""GitHub's webhooks: signature, payload, rules, redelivery. Pure."""
