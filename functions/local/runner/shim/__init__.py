"""What stands between the runner and an agent's process, as containerd's shim does: it outlives the runner."""
