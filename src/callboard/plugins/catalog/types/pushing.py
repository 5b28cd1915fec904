"""Entities that are pushed: the names of sets, and what became of each item."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from callboard.lib.problems import Place, Problem, ProblemError

PORTAL = "portal"
"""The set of entities that are made and edited in the portal itself."""
PREFIX = "push:"
MOST = 20_000
"""Items of one push; more are sent in parts, as differences."""

Outcome = Literal["created", "changed", "unchanged", "rejected", "removed", "absent", "held"]
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?\Z")


@dataclass(frozen=True)
class PushedItem:
    """What became of one item: ``index`` is its place in the push, none for what a replacement takes away."""

    ref: str
    result: Outcome
    index: int | None = None
    problems: tuple[Problem, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Answer plain JSON."""
        found: dict[str, Any] = {"ref": self.ref, "result": self.result}
        if self.index is not None:
            found["index"] = self.index
        if self.problems:
            found["problems"] = [
                {"code": p.code, "severity": p.severity, "message": p.message, "remedy": p.remedy, "path": p.place.path}
                for p in self.problems
            ]
        return found


@dataclass(frozen=True)
class Pushed:
    """What a push did, or with ``dry_run`` would do, item by item."""

    set: str
    dry_run: bool
    items: tuple[PushedItem, ...] = field(default=())

    @property
    def counts(self) -> dict[str, int]:
        """How many items had each result."""
        return dict(Counter(item.result for item in self.items))

    def as_dict(self) -> dict[str, Any]:
        """Answer plain JSON."""
        return {
            "set": self.set,
            "dryRun": self.dry_run,
            "counts": self.counts,
            "items": [item.as_dict() for item in self.items],
        }


def checked_set(name: str) -> str:
    """Answer the name of a set, or raise :class:`ProblemError`."""
    if not _NAME.match(name):
        raise ProblemError(
            Problem(
                "invalid-set",
                f"{name[:80]!r} cannot be the name of a set.",
                "Use lower-case letters, digits, '-', '_' and '.', at most 63 of them, such as ci-inventory.",
                Place(path="set"),
            )
        )
    return name
