"""GitHub: what it sends, what it is asked, and what is read out of both."""
