"""The embedded queue of one machine, over HTTP: publisher and dead letters. functions/local/queue serves it."""
