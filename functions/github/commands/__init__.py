"""Commands on GitHub: parsing, repository configuration, the spec of a run, replies. Pure."""
