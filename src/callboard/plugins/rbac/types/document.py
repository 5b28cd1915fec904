"""A policy as data: roles with members and ordered decisions, and how decisions of several roles meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Effect = Literal["allow", "deny"]
Resolution = Literal["first-match", "deny-overrides", "any-allow"]

RESOLUTIONS: tuple[Resolution, ...] = ("first-match", "deny-overrides", "any-allow")
CROWDS = ("everyone", "people", "guests", "services", "administrators")
"""Members that name many at once: all who are signed in; accounts; demo guests; programs; administrators."""

NAMED = ("user", "group", "service", "namespace", "idp-group")
"""Members that name somebody, before a colon."""

CURRENT_USER, OWNER_REFS = "$currentUser", "$ownerRefs"
PLACEHOLDERS = (CURRENT_USER, OWNER_REFS)
"""Stand for the ref of whoever asks, and for everything they own things as; to be used in parameters of rules."""

MAX_ROLES = 20_000


@dataclass(frozen=True)
class Member:
    """Who is in a role: ``type`` is one of :data:`CROWDS` or :data:`NAMED`; ``until`` ends it."""

    type: str
    ref: str = ""
    until: datetime | None = None

    @property
    def text(self) -> str:
        """How it is written: ``user:default/ada``, ``namespace:default``, ``everyone``."""
        if self.type in {"user", "group"} or not self.ref:
            return self.ref or self.type
        return f"{self.type}:{self.ref}"


@dataclass(frozen=True)
class Match:
    """Which permissions a decision is about; what is empty does not narrow, all empty means every permission.

    ``name`` is a permission's id, or its beginning with ``*`` at the end.
    """

    name: str = ""
    actions: tuple[str, ...] = ()
    resource_types: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    harmless: bool | None = None
    administrative: bool | None = None

    @property
    def everything(self) -> bool:
        """Whether it is about every permission."""
        return self == Match()


@dataclass(frozen=True)
class Statement:
    """One decision of a role: allow or deny what matches; with a ``condition``, allow only what meets it.

    The condition is written as on the wire, without resource types: ``{"rule": …, "params": …}``.
    """

    effect: Effect
    match: Match
    condition: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Role:
    """A name, members, and decisions in order. ``owner`` decides on requests to join."""

    name: str
    title: str = ""
    description: str = ""
    owner: str = ""
    requestable: bool = True
    members: tuple[Member, ...] = ()
    decisions: tuple[Statement, ...] = ()

    @property
    def label(self) -> str:
        """What people call it."""
        return self.title or self.name


@dataclass(frozen=True)
class PolicyDocument:
    """A whole policy."""

    name: str = ""
    description: str = ""
    resolution: Resolution = "first-match"
    roles: tuple[Role, ...] = field(default_factory=tuple)

    def role(self, name: str) -> Role | None:
        """Answer one role."""
        return next((role for role in self.roles if role.name == name), None)
