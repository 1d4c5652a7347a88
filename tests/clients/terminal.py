"""What a person sees of a block that is redrawn on a terminal."""

import re


def blocks_of(drawn: str) -> list[str]:
    """Return the blocks drawn one after the other, without what moves the cursor between them."""
    moves = r"(?:\r?\x1b\[(?:2K|1A|\?25[lh]))+"
    return [block.strip("\r\n") for block in re.split(moves, drawn) if block.strip("\r\n")]
