"""Google's Pub/Sub emulator in place of the embedded queue, if it is installed."""

from functions.local.pubsub.emulator import Emulator, EmulatorError, find

__all__ = ["Emulator", "EmulatorError", "find"]
