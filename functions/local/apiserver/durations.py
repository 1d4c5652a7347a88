"""Ages as kubectl prints them: at most two units, coarser for longer ages.

From k8s.io/apimachinery/pkg/util/duration: HumanDuration.
"""

MINUTE, HOUR, DAY = 60, 3_600, 86_400
YEAR = 365 * DAY


def human_duration(seconds: float) -> str:
    """Return an age such as `42s`, `3m12s`, `5h`, `2d4h` or `3y10d`; `<invalid>` for a time in the future."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 2 * MINUTE:
        return f"{max(whole, 0)}s"
    if whole < 10 * MINUTE:
        return _two_units(whole, MINUTE, "m", 1, "s")
    if whole < 3 * HOUR:
        return f"{whole // MINUTE}m"
    if whole < 8 * HOUR:
        return _two_units(whole, HOUR, "h", MINUTE, "m")
    if whole < 2 * DAY:
        return f"{whole // HOUR}h"
    if whole < 8 * DAY:
        return _two_units(whole, DAY, "d", HOUR, "h")
    if whole < 2 * YEAR:
        return f"{whole // DAY}d"
    if whole < 8 * YEAR:
        return _two_units(whole, YEAR, "y", DAY, "d")
    return f"{whole // YEAR}y"


def _two_units(seconds: int, unit: int, symbol: str, small_unit: int, small_symbol: str) -> str:
    rest = seconds % unit // small_unit
    return f"{seconds // unit}{symbol}" + (f"{rest}{small_symbol}" if rest else "")
