"""The broker: the container beside the agent's that alone holds the run's credentials.

It serves the agent's container of the same pod and nothing else: git for the run's repositories, the model's API, the
run's pull request. The agent sends a random value of the pod in place of a credential; the broker checks it and adds
the real one on the way to the upstream.

aiohttp serves and calls: it streams bodies in both directions and frames HTTP itself, in one process of one library.
"""
