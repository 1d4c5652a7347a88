"""The models of runs that name none: the defaults of the setting `models`.

They are aliases of the agent CLI: full names retire, and a retired one is replaced without a word.

They stand apart from the settings, because a client needs nothing else of them, and importing those takes longer than
all that it does itself.
"""

DOCS = "opus"
CODE = "sonnet"
