"""A GitHub of our own on loopback: its REST API as far as it is used, its webhooks, its limits and its failures.

content.py      what is there: repositories, issues, pull requests, comments, checks, people
app.py          the App: key, installations, tokens and what they may do
calls.py        one call: who asks for what; routes to what answers it; pages
routes/         the endpoints, a module per group; one more module there is all it takes
troubles.py     rate limits and scripted failures
deliveries.py   webhooks: signed, sent, logged, sent again
payloads.py     what a webhook carries
git.py          the repositories themselves, where a test has some
certificate.py  for TLS, which git and agents insist on
server.py       all of it over HTTP
"""

from tests.support.github.calls import Call
from tests.support.github.content import Repository
from tests.support.github.server import Github, serving

__all__ = ["Call", "Github", "Repository", "serving"]
