"""The Python that what tests start finds as python3: this very one, and no packages to it.

What stands first on a developer's machine may be a slow wrapper, and what is installed beside it may be loaded at
each start; an attempt's scripts start it half a dozen times.
"""

import atexit
import os
import shutil
import tempfile
import venv
from functools import cache


@cache
def search_path() -> str:
    """PATH with that Python first."""
    alone = tempfile.mkdtemp(prefix="python-alone-")
    atexit.register(shutil.rmtree, alone)
    venv.create(alone, symlinks=True)
    return f"{alone}/bin:{os.environ['PATH']}"
