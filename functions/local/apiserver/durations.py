"""Ages as kubectl prints them: two units at most, fewer the longer ago.

From k8s.io/apimachinery/pkg/util/duration: HumanDuration.
"""

MINUTE, HOUR, DAY = 60, 3_600, 86_400
YEAR = 365 * DAY


def human_duration(seconds: float) -> str:
    """Such as `42s`, `3m12s`, `5h`, `2d4h`, `3y10d`; `<invalid>` for a time to come."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 2 * MINUTE:
        return f"{max(whole, 0)}s"
    if whole < 10 * MINUTE:
        return _two(whole, MINUTE, "m", 1, "s")
    if whole < 3 * HOUR:
        return f"{whole // MINUTE}m"
    if whole < 8 * HOUR:
        return _two(whole, HOUR, "h", MINUTE, "m")
    if whole < 2 * DAY:
        return f"{whole // HOUR}h"
    if whole < 8 * DAY:
        return _two(whole, DAY, "d", HOUR, "h")
    if whole < 2 * YEAR:
        return f"{whole // DAY}d"
    if whole < 8 * YEAR:
        return _two(whole, YEAR, "y", DAY, "d")
    return f"{whole // YEAR}y"


def _two(seconds: int, unit: int, word: str, part: int, part_word: str) -> str:
    rest = seconds % unit // part
    return f"{seconds // unit}{word}" + (f"{rest}{part_word}" if rest else "")
