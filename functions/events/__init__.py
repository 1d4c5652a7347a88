"""CloudEvents in and out: one `receive` per request, and the bindings of HTTP and Pub/Sub."""
