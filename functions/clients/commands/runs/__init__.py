"""List, read, follow, retry, cancel and delete runs, with your own Kubernetes rights.

The cluster is the one that kubectl would use. The namespace is the one given, else that of the kubeconfig's context,
else `orchestrator`. NAME may be written docs/NAME or code/NAME, and shortened to its first characters, at least four,
also without `run-`, as long as only one run's name begins with them.
"""

from functions.clients.lazy_group import LazyGroup

EPILOG = """\b
Examples:
  orchestrator runs list                          the newest runs of both kinds
  orchestrator runs get NAME                      one run, and what to do next
  orchestrator runs logs NAME --follow            what its agent does
  orchestrator runs watch NAME                    all of it, until the run ends
  orchestrator runs diff NAME                     what it changed
  orchestrator runs open NAME                     its pull request, in the browser
  orchestrator runs retry NAME --message 'Use the new API'
  orchestrator runs cancel NAME
"""
command = LazyGroup(
    __name__, ("list", "get", "watch", "logs", "diff", "open", "retry", "cancel", "delete"), __doc__, EPILOG
)
