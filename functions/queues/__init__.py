"""The queue: one package per back end, and what they share: topics, topology, publisher and dead-letter interfaces."""
