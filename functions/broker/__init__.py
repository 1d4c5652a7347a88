"""The broker: a container beside the agent's, and the only one with the run's credentials.

It serves the agent's container of its pod alone: git for the run's repositories, the model API, the run's pull request.
The agent sends the pod's random value in place of a credential; the broker checks it, and adds the real credential to
the request that it forwards.

Server and client are aiohttp, which streams bodies in both directions.
"""
