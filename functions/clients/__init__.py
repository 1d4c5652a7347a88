"""What people work with: the command line."""
