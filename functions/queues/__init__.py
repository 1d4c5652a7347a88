"""The queue: one package per back end, and what they share: publisher, dead letters, topology.

A back end is a package with a module `backend` and one line in `backends`.
"""
