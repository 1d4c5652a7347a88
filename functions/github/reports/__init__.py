"""The contents of a run's reports on GitHub: pull request, sticky comment, check run. Pure."""
