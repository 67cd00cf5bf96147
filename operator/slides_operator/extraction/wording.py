"""Words of others, made fit for a status: one line, no control characters, not too long."""

import unicodedata

MESSAGE_LIMIT = 1024
"""Characters of a message in the status: chosen; Events have this limit too."""


def clean(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """Return the text in one line, without control characters, cut to `limit` characters."""
    visible = (" " if unicodedata.category(char) in _HIDDEN else char for char in text[: 4 * limit])
    line = " ".join("".join(visible).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of control characters, lone surrogates and line ends."""


def last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "")
