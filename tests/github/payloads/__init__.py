"""Payloads of every event that GitHub documents (Webhook events and payloads), written for these tests.

The fields, their types and nullability follow the published schemas; the values are invented. `EVERYDAY` has the
common events with all nested parts; `OTHERS` has the names of all other documented events.
"""

from tests.github.payloads.everyday import EVERYDAY
from tests.github.payloads.others import OTHERS, other

__all__ = ["EVERYDAY", "OTHERS", "other"]
