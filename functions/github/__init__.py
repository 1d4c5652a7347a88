"""GitHub: its REST API, its webhook events, the commands people write, the reports they read."""
