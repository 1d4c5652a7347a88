"""Setting a queue up: creating what its topology needs on the back end."""


class SetupError(Exception):
    """The queue could not be set up; the text says what, why, and what to do."""
