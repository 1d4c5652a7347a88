"""Ask for work: on tasks of Task Master, on an issue, or in your own words."""

from functions.clients.lazy_group import LazyGroup

EPILOG = """\b
Examples:
  export ORCHESTRATOR_API_URL=https://agents.example
  orchestrator task docs -w services/shop         commit and push its .taskmaster, then document its tasks
  orchestrator task code 3 -s shop                implement task 3 of the repository of this directory
  orchestrator task code 3 -s shop --dry-run      only show what would be submitted
  orchestrator task code -s shop --prompt "..."   your own words in place of a task
  orchestrator task code -s shop --issue 12       an issue of GitHub in place of a task

\b
Authentication: a Google identity token for *.run.app and *.cloudfunctions.net, else the bearer token in
ORCHESTRATOR_TOKEN; on one machine none is needed.
"""
command = LazyGroup(__name__, ("docs", "code"), __doc__, EPILOG)
