"""A simulated GitHub on loopback: the used part of its REST API, webhooks, rate limits and failures.

content.py      repositories, issues, pull requests, comments, checks, people
app.py          the App: key, installations, tokens and their permissions
calls.py        one call: its authorization, its route, pages
routes/         the endpoints, a module per group; each module there is loaded
troubles.py     rate limits and scripted failures
deliveries.py   webhook deliveries: signed, sent, logged, redelivered
payloads.py     webhook payloads
git.py          git's own protocol, for repositories with files
certificate.py  the TLS certificate, which git and agents need
server.py       the HTTP server
"""

from tests.support.github.calls import Call
from tests.support.github.content import Repository
from tests.support.github.server import Github, serving

__all__ = ["Call", "Github", "Repository", "serving"]
