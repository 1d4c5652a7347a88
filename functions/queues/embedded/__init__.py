"""The embedded queue of one machine: publisher and dead letters over HTTP."""
