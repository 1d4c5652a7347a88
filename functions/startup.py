"""Tunes a process: a shorter start, which the first caller or the agent waits for, and memory that is given back.

- Python's garbage collector runs every few hundred new objects and finds nothing while modules load. That takes a
  tenth of the time to the first response (make bench, cold start), and each later run searches these objects again.
- Pydantic searches all installed packages for plugins; none is used.
- glibc keeps freed buffers of up to 32 MiB for each thread, once it has seen one freed (mallopt(3), dynamic mmap
  threshold). With a fixed threshold, large bodies go back to the system, whatever the number of threads.
"""

import ctypes
import gc
import os

M_MMAP_THRESHOLD = -3
"""glibc, malloc.h."""
LARGE = 128 * 1024
"""Bytes: glibc's threshold before it adapts."""


def begin() -> None:
    """Tune the process; call it before other modules are imported."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # of glibc alone
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGE)


def finish() -> None:
    """Collect garbage from now on, among new objects only: all modules are loaded."""
    gc.freeze()
    gc.enable()
