"""Tuning of a function's start. Imported before everything else, since the first caller waits for the start.

- Garbage collection is off while modules load: nothing they create is garbage, and looking for some takes a tenth of
  the time to the first response (`make bench`, cold start). Loaded modules are then excluded from later collections.
- Pydantic searches the metadata of every installed package for plugins; none is used.
"""

import gc
import os

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
gc.disable()


def finish() -> None:
    """End the tuning: exclude what is loaded from garbage collection, and turn collection on."""
    gc.freeze()
    gc.enable()
