"""Cases from clusters (section K of the field cases): pods, queues, quotas, GitOps tools."""
