"""A permission decision as data: allow, deny, or a condition, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class RuleUse:
    """A rule with its parameters: the leaf of a condition."""

    rule: str
    resource_type: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AllOf:
    """True when every item is."""

    items: tuple[Criteria, ...]


@dataclass(frozen=True)
class AnyOf:
    """True when at least one item is."""

    items: tuple[Criteria, ...]


@dataclass(frozen=True)
class Not:
    """True when the item is not."""

    item: Criteria


Criteria = RuleUse | AllOf | AnyOf | Not


@dataclass(frozen=True)
class Decision:
    """What a policy says of a permission, and why. ``criteria`` is there when it is conditional."""

    result: Literal["allow", "deny", "conditional"]
    reason: str
    criteria: Criteria | None = None

    @property
    def allowed(self) -> bool:
        """Whether it is a plain yes."""
        return self.result == "allow"


def allow(reason: str) -> Decision:
    """Answer yes."""
    return Decision("allow", reason)


def deny(reason: str) -> Decision:
    """Answer no."""
    return Decision("deny", reason)


def only_if(criteria: Criteria, reason: str) -> Decision:
    """Answer yes for the resources that meet ``criteria``."""
    return Decision("conditional", reason, criteria)


class NotAllowedError(Exception):
    """The caller may not do this; ``permission`` and ``reason`` say what and why."""

    def __init__(self, permission: str, reason: str, *, signed_in: bool = True) -> None:
        super().__init__(f"you may not do this: {reason} (permission {permission})")
        self.permission = permission
        self.reason = reason
        self.signed_in = signed_in
