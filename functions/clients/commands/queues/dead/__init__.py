"""List, replay or drop dead letters: events that reached the maximum number of delivery attempts."""

from functions.clients.lazy_group import LazyGroup

command = LazyGroup(__name__, ("list", "replay", "drop"), __doc__)
