"""Google's Pub/Sub emulator, an alternative to the embedded queue."""

from functions.local.pubsub.emulator import Emulator, find

__all__ = ["Emulator", "find"]
