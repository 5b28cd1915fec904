"""Describe what is wrong with some input, where exactly, and how to mend it.

Problems are values, not exceptions, so that one bad document never stops a batch: they are
collected, shown and counted. :class:`ProblemError` carries them where only raising is possible.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: ``url`` of the file, 1-based ``line`` and ``column``, JSON ``path``."""

    url: str = ""
    line: int | None = None
    column: int | None = None
    path: str = ""

    def __str__(self) -> str:
        text = self.url
        if self.line is not None:
            text += f":{self.line}" if self.column is None else f":{self.line}:{self.column}"
        if self.path:
            text = f"{text} at {self.path}" if text else self.path
        return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    ``code`` is stable and made for machines (``unknown-kind``), ``message`` says what is wrong and
    ``remedy`` what to do about it.
    """

    code: str
    message: str
    remedy: str
    place: Place
    severity: Severity = "error"

    def __str__(self) -> str:
        where = str(self.place)
        return " ".join(part for part in (f"{where}:" if where else "", self.message, self.remedy) if part)

    def at(self, line: int | None, column: int | None = None) -> "Problem":
        """Answer the same problem with its line (and column) known."""
        return replace(self, place=replace(self.place, line=line, column=column))

    def as_dict(self) -> dict[str, Any]:
        """Answer plain JSON, for APIs, jobs and the database."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "remedy": self.remedy,
            "place": {
                "url": self.place.url,
                "line": self.place.line,
                "column": self.place.column,
                "path": self.place.path,
            },
        }


class ProblemError(Exception):
    """Stop with one or more problems."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
