"""The models of runs for which nobody names one: the defaults of the setting `models`.

They stand apart from the settings, because a client needs nothing else of them, and importing those takes longer than
all that it does itself.
"""

DOCS = "claude-opus-4-20250514"
CODE = "claude-3-5-sonnet-20241022"
