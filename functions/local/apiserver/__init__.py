"""An API server that speaks the Kubernetes wire protocol for the kinds this project uses.

It lets the functions, kubectl and any client library work on one machine exactly as on a cluster, with the state in
one SQLite file. The tests in tests/contract/apiserver compare it with a real kube-apiserver. Not implemented: users
and permissions, admission webhooks, and all other kinds.
"""

from functions.local.apiserver.app import create_app
from functions.local.apiserver.registry import Registry
from functions.local.apiserver.store import Store
from functions.local.pod_logs import PodLogs

__all__ = ["PodLogs", "Registry", "Store", "create_app"]
