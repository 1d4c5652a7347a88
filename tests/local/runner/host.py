"""Run a runner in its own process, so that it can be killed.

Arguments: kubeconfig, state directory, number of API calls after which it kills itself.
"""

import itertools
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.cluster.transport import Request
from functions.local.runner import Runner
from functions.settings.cluster import ClusterSettings


class SelfKillingTransport(KubernetesTransport):
    """A transport that kills the process after the answer to the last call."""

    def __init__(self, settings: ClusterSettings, calls: int) -> None:
        super().__init__(settings)
        self._left = itertools.count(calls - 1, -1)

    def send(self, request: Request) -> Any:
        answer = super().send(request)
        if next(self._left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


kubeconfig, state, calls = sys.argv[1:]
runner = Runner(Cluster(SelfKillingTransport(ClusterSettings(kubeconfig=kubeconfig), int(calls))), Path(state))
runner.start()
threading.Event().wait()
