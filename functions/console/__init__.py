"""The console: the web page of an installation. Fleet, runs and their agents at work, rendered on the server."""
