"""Google's own Pub/Sub emulator, where it is installed, in place of the embedded queue."""

from functions.local.pubsub.emulator import Emulator, EmulatorError, find

__all__ = ["Emulator", "EmulatorError", "find"]
