"""The embedded queue of one machine, over HTTP: publisher and dead letters. The queue itself is functions/local/queue."""
