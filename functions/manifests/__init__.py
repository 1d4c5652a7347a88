"""Objects for the cluster: the Job, the task files and the workspace claim of an attempt, and the CRDs. Pure."""
