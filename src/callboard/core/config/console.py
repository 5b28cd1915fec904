"""What every command answers with: text for people, or JSON when `--json` was given.

Commands write their result to standard output and everything else (progress, remarks, errors) to
standard error, so that output can be piped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol

from callboard.lib.problems import Problem


class Mode:
    """How this process answers; set once by the command before anything else runs."""

    json = False


class Progress(Protocol):
    """What :func:`progress` lends: tell it how far the work is."""

    def advance(self, steps: int = 1) -> None:
        """Count steps that are done."""

    def total(self, steps: int) -> None:
        """Say how many steps there are."""


def wants_json() -> bool:
    """Whether the caller asked for JSON."""
    return Mode.json


def show(data: Any, text: str | None = None) -> None:
    """Print a result: ``data`` as JSON when that was asked for, otherwise ``text``."""
    if Mode.json or text is None:
        sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")
    elif text:
        sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a remark for people on standard error; silent with ``--json``."""
    if not Mode.json:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """Lay rows out under headings; ``columns`` gives the heading of each key, in order."""
    cells = [list(columns.values())] + [[_cell(row.get(key)) for key in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def problems_text(problems: Iterable[Problem]) -> str:
    """Write problems one below the other, each with its place and remedy."""
    return "\n".join(
        f"{problem.place}: {problem.message}" + (f"\n    {problem.remedy}" if problem.remedy else "")
        for problem in problems
    )


def fail(
    message: str, remedy: str = "", *, code: str = "error", problems: Iterable[Problem] = (), status: int = 1
) -> NoReturn:
    """Print what went wrong and how to mend it, and end the command."""
    listed = list(problems)
    if Mode.json:
        error: dict[str, Any] = {"code": code, "message": message, "remedy": remedy}
        if listed:
            error["problems"] = [problem.as_dict() for problem in listed]
        sys.stdout.write(json.dumps({"error": error}, indent=2, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        text = f"Error: {message}"
        if listed:
            text += "\n" + problems_text(listed)
        sys.stderr.write(text + (f"\n  → {remedy}" if remedy else "") + "\n")
    raise SystemExit(status)


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """Show a progress bar on a terminal during long work; elsewhere nothing is drawn."""
    if Mode.json or not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, rarely needed
    from rich.progress import Progress as Bar  # noqa: PLC0415

    with Bar(console=Console(stderr=True), transient=True) as bar:
        yield _Drawn(bar, bar.add_task(title, total=None))


class _Silent:
    def advance(self, steps: int = 1) -> None:
        """Nothing is drawn."""

    def total(self, steps: int) -> None:
        """Nothing is drawn."""


class _Drawn:
    def __init__(self, bar: Any, task: Any) -> None:
        self._bar, self._task = bar, task

    def advance(self, steps: int = 1) -> None:
        self._bar.advance(self._task, steps)

    def total(self, steps: int) -> None:
        self._bar.update(self._task, total=steps)
