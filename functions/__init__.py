"""The orchestrator: event-driven functions that run coding agents as Kubernetes Jobs.

Rooms, top to bottom; imports go downwards only: main, handlers, (events, cluster, templating,
manifests), runs. `local` and `clients` stand on top and are imported by nobody.
"""

__version__ = "0.1.0"
