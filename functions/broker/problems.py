"""Problems that prevent an attempt from starting, with the reasons of its report (runs/model/reasons.py)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """An attempt's reason and message, which contain no secret."""

    reason: str
    message: str


class ProblemError(Exception):
    """A credential cannot be used; `problem` is the cause."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
