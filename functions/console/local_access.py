"""Access to a console on this machine, which has the rights of the person who started it.

It listens on the loopback interface without authentication, so a page in the person's browser could reach it: by a
cross-origin request (recognised by Origin) or by a host name that resolves to 127.0.0.1 (recognised by Host).
"""

from typing import ClassVar

from functions.console.context import Visit
from functions.console.refused import Refused
from functions.serving.authentication import is_loopback


class LocalAccess:
    """Serves requests of this machine; changes only those of the console's own pages."""

    may_change: ClassVar[bool] = True

    def check(self, visit: Visit) -> None:
        """Raise Refused (403) for another machine, a foreign page, or a form that is not the console's."""
        host, origin = visit.headers.get("host", ""), visit.headers.get("origin")
        if not is_loopback(host):
            raise Refused(403, "This console serves its own machine only: open it as http://127.0.0.1 with its port.")
        if origin is not None and origin.lower() != f"http://{host}".lower():
            raise Refused(403, "Requests from pages of another origin are not accepted.")
        if visit.method not in ("GET", "HEAD") and origin is None:
            raise Refused(403, "The browser sent no Origin header; send the form from the console's own page.")
