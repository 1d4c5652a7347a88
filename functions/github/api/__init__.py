"""GitHub's REST API, called as a GitHub App: client, tokens, errors, idempotent writes."""
