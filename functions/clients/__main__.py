"""`python -m functions.clients`: the command line, from a checkout."""

import sys

from functions.clients.cli import main

sys.exit(main())
