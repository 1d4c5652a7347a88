"""Payloads of every event that GitHub documents (Webhook events and payloads), written for these tests.

The fields, their kinds and what may be null follow the published schemas; the values are made up. `EVERYDAY` has the
events of everyday work with all the parts they nest; `OTHERS` has every other documented event by its name.
"""

from tests.github.payloads.everyday import EVERYDAY
from tests.github.payloads.others import OTHERS, other

__all__ = ["EVERYDAY", "OTHERS", "other"]
