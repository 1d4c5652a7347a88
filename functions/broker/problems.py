"""What keeps an attempt from starting, in the words of its report (runs/model/reasons.py)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """An attempt's reason and message. Neither holds a secret."""

    reason: str
    message: str


class ProblemError(Exception):
    """Carries a problem to where it is reported."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
