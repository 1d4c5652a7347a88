"""Commands in comments: parsing, repository configuration, the spec they ask for, replies. Pure."""
