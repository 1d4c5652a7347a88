"""The watch bridge: turns changes on the cluster into CloudEvents on the queue, of the types that Knative sends."""
