"""The whole system on one machine: API server, queue, bridge, runner and functions, each as on a cluster."""
