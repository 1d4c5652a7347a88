"""Requests that the console does not serve."""


class Refused(Exception):
    """The request is not served; `code` is 4xx, the text is for the person."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
