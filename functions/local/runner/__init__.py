"""The Job runner: plays Job controller and kubelet on one machine, with local processes for containers.

A pod sees its mounts below POD_ROOT instead of /. A Job gets one pod, ever, and a pod is started once, ever, also
over crashes of the runner.
"""

from functions.local.runner.logs import Logs
from functions.local.runner.runner import Runner

__all__ = ["Logs", "Runner"]
