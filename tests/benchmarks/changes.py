"""Changes runs on a server: `python -m tests.benchmarks.changes KUBECONFIG COUNT RATE`.

RATE is in changes per second; 0 is as fast as possible. Each change contains its time, so that a watcher can compute
the delay.
"""

import itertools
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import urllib3

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN
from functions.cluster.kubernetes_transport import KubernetesTransport
from functions.settings.cluster import ClusterSettings

CHANGED_AT = "benchmark/changed-at"
THREADS = 8


def main(kubeconfig: str, count: int, rate: float) -> None:
    """Make `count` changes, in turn to every run."""
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    cluster = Cluster(KubernetesTransport(ClusterSettings(kubeconfig=kubeconfig)))
    names = [each["metadata"]["name"] for each in cluster.list(CODE_RUN, "orchestrator")]
    begun = time.monotonic()

    def change(number: int, name: str) -> None:
        if rate:
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        patch = {"metadata": {"annotations": {CHANGED_AT: str(time.time())}}}
        cluster.patch(CODE_RUN, "orchestrator", name, patch)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(change, range(count), itertools.islice(itertools.cycle(names), count)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
