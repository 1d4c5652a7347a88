"""The python3 of processes that tests start: this interpreter, without installed packages.

The first python3 on a developer's PATH may be a slow wrapper or load packages at each start; an attempt's scripts start
it half a dozen times.
"""

import atexit
import os
import shutil
import tempfile
import venv
from functools import cache


@cache
def search_path() -> str:
    """Return a PATH on which that python3 comes first."""
    alone = tempfile.mkdtemp(prefix="python-alone-")
    atexit.register(shutil.rmtree, alone)
    venv.create(alone, symlinks=True)
    return f"{alone}/bin:{os.environ['PATH']}"
