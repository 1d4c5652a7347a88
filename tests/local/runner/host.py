"""A runner in a process of its own, so that a test can kill it. Arguments: kubeconfig, state directory."""

import sys
import threading
from pathlib import Path

from functions.cluster.client import Cluster
from functions.cluster.transport import KubernetesTransport
from functions.local.runner import Runner
from functions.settings import ClusterSettings

runner = Runner(Cluster(KubernetesTransport(ClusterSettings(kubeconfig=sys.argv[1]))), Path(sys.argv[2]))
runner.start()
threading.Event().wait()
