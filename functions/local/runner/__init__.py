"""The Job runner: Job controller and kubelet of one machine, with local processes in place of containers.

The mounts of a pod are below POD_ROOT instead of /. A Job gets at most one pod, and a pod is started at most once,
also after a crash of the runner.
"""

from functions.local.runner.logs import Logs
from functions.local.runner.runner import Runner

__all__ = ["Logs", "Runner"]
