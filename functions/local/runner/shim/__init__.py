"""The parent process of an agent, comparable to containerd's shim: it outlives the runner."""
