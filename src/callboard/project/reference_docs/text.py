"""Small helpers that turn what the code says into Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

NOTICE = "<!-- Written by `make docs` from the code. Edit the code, not this page. -->"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Answer a Markdown table; bars and line breaks inside cells are made harmless."""
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    """Answer text set as code, or nothing for nothing."""
    return f"`{text}`" if text not in {"", None} else ""


def prose(docstring: str) -> str:
    """Answer a docstring as Markdown."""
    return re.sub(r":\w+:`~?[\w.]*?(\w+)`", r"`\1`", (docstring or "").replace("``", "`")).strip()
