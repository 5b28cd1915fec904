"""Turn what the code says into Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from callboard.core.registry.contract import Contribution
from callboard.core.registry.store import registry

C = TypeVar("C", bound=Contribution)

NOTICE = "<!-- Written by `make docs` from the code. Edit the code, not this page. -->"


def page(title: str, introduction: str, *parts: str) -> str:
    """Answer a page: title, notice, introduction, parts."""
    return "\n\n".join([f"# {title}", NOTICE, introduction.strip(), *(part.strip() for part in parts)]) + "\n"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Answer a Markdown table; bars and line breaks inside cells are made harmless."""
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    """Answer text set as code, or nothing for nothing."""
    return f"`{text}`" if text not in {"", None} else ""


def prose(docstring: str | None) -> str:
    """Answer a docstring as Markdown."""
    return re.sub(r":\w+:`~?[\w.]*?(\w+)`", r"`\1`", (docstring or "").replace("``", "`")).strip()


def bundled(point: type[C]) -> list[tuple[str, C]]:
    """Answer the contributions of one point that come with Callboard, each with its room."""
    own = {loaded.plugin.name for loaded in registry.plugins() if loaded.plugin.bundled}
    return [(room, item) for room, item in registry.every(point) if room in own]
