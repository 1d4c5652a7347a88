"""Creating a GitHub App from a manifest: the local page, the exchange, the files."""
