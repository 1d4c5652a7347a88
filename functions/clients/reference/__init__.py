"""Reference pages of docs/, made from the code: command line, settings, HTTP, reasons. `make docs` writes them."""
