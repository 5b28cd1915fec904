"""What the portal's pages show, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class FaultRow:
    """A contribution that failed in this process."""

    contribution: str
    message: str
    detail: str
    count: int
    last: datetime


@dataclass(frozen=True)
class PluginRow:
    """A plugin as an administrator sees it."""

    name: str
    title: str
    version: str
    description: str
    author: str
    icon: str
    package: str
    distribution: str
    bundled: bool
    optional: bool
    state: Literal["on", "off", "quarantined"]
    requires: tuple[str, ...] = ()
    required_by: tuple[str, ...] = ()
    contributions: int = 0
    faults: tuple[FaultRow, ...] = ()
    reason: str = ""
    remedy: str = ""
    detail: str = ""
    off_by_configuration: bool = False
    changed_by: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True)
class ContributionRow:
    """One thing a plugin adds."""

    id: str
    title: str
    permission: str
    detail: str


@dataclass(frozen=True)
class ContributionGroup:
    """All contributions of a plugin to one point."""

    point: str
    rows: tuple[ContributionRow, ...]
