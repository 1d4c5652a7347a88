"""Text that UTF-8 cannot write: halves of UTF-16 surrogate pairs, which JSON can escape and Python keeps."""


def replace_lone_surrogates(text: str) -> str:
    """Return `text` with U+FFFD in place of each lone surrogate, as Go's encoding/json does."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
