"""GitHub's REST API as an App sees it: client, tokens, errors, idempotent writes."""
