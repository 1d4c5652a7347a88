"""The blocks that a program redraws on a terminal."""

import re


def blocks_of(drawn: str) -> list[str]:
    """Return the blocks in their order, without the control sequences between them."""
    moves = r"(?:\r?\x1b\[(?:2K|1A|\?25[lh]))+"
    return [block.strip("\r\n") for block in re.split(moves, drawn) if block.strip("\r\n")]
