"""`orchestrator runs`: what a person sees and asks of runs, with that person's own Kubernetes rights."""
