"""All of it on one machine: API server, queue, bridge, runner and the functions, each as on a cluster."""
