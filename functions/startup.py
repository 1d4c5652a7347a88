"""What a start leaves out, loaded before all else: a function's first caller waits for it (make bench, cold start).

Python looks for garbage every few hundred objects, and nothing of what is loaded is any: that takes a tenth of the
time to the first answer, and goes on taking time from every request if what was loaded is looked through again.
Pydantic reads what all installed packages say of themselves, to find plugins for it; none is used.
"""

import gc
import os

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
gc.disable()


def finish() -> None:
    """All is loaded, and stays: from here on garbage is looked for among what comes."""
    gc.freeze()
    gc.enable()
