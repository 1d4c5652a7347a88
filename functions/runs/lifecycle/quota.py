"""Tells a used-up quota, which frees itself, from what a person has to fix. Pure."""

_EXCEEDED = "exceeded quota: "
"""In every rejection by a ResourceQuota (apiserver: pkg/admission/plugin/resourcequota/controller.go)."""


def is_exceeded(words: str) -> bool:
    """Return whether these words of the cluster say that a ResourceQuota has no room."""
    return _EXCEEDED in words
