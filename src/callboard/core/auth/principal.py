"""Who is acting right now, and through which door: the one thing every service asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast

T = TypeVar("T")
Door = Literal["ui", "api", "cli", "agent", "job", "system"]


@dataclass(frozen=True)
class AccessRestriction:
    """One thing an external token may do: use a plugin, or only these permissions or actions of it."""

    plugin: str
    permissions: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    def covers(self, plugin: str, permission: str, action: str) -> bool:
        """Whether a permission of a plugin is among them."""
        return (
            plugin == self.plugin
            and (not self.permissions or permission in self.permissions)
            and (not self.actions or action in self.actions)
        )


@dataclass(frozen=True)
class Principal:
    """A caller: ``ref`` is what is written down, ``ownership_refs`` what the caller owns things as.

    ``type`` is ``anonymous`` (nobody), ``guest`` (demo visitor), ``user``, ``service`` (an API token
    without a person) or ``system`` (the operator of the machine, schedules).
    ``scopes`` limits an API token; ``None`` means no limit beyond the caller's own permissions.
    ``idp_groups`` are the groups that the person's identity provider named at the last sign-in or sync, each
    as ``<provider>:<group>`` (``okta:platform-admins``); they say nothing about ownership in the catalog.
    ``restrictions`` limits an external token to some plugins' permissions; ``None`` means no limit.
    ``viewed_by`` is the administrator who looks at the portal with this person's eyes.
    """

    type: Literal["anonymous", "guest", "user", "service", "system"]
    ref: str
    name: str = ""
    ownership_refs: tuple[str, ...] = ()
    administrator: bool = False
    scopes: frozenset[str] | None = None
    user_id: int | None = None
    idp_groups: tuple[str, ...] = ()
    restrictions: tuple[AccessRestriction, ...] | None = None
    viewed_by: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether this is anybody at all."""
        return self.type != "anonymous"


@dataclass(frozen=True)
class Acting:
    """A caller together with the door used and the request it belongs to."""

    principal: Principal
    door: Door
    request_id: str = ""
    details: dict[str, str] = field(default_factory=dict)


ANONYMOUS = Principal("anonymous", "anonymous:", "Anonymous")
SYSTEM = Principal("system", "system:callboard", "Callboard", administrator=True)
OPERATOR = Principal("system", "system:operator", "Operator of this machine", administrator=True)

_acting: ContextVar[Acting | None] = ContextVar("callboard_acting", default=None)
_NOBODY = Acting(ANONYMOUS, "system")


def acting() -> Acting:
    """Answer who is acting; nobody, unless a door has said otherwise."""
    return _acting.get() or _NOBODY


def principal() -> Principal:
    """Answer the acting principal."""
    return acting().principal


@contextmanager
def act_as(who: Principal, door: Door, request_id: str = "") -> Iterator[Acting]:
    """Run the block on behalf of ``who``."""
    value = Acting(who, door, request_id)
    token = _acting.set(value)
    try:
        yield value
    finally:
        _acting.reset(token)


def on_behalf(items: Iterator[T]) -> Iterator[T]:
    """Answer an iterator that asks for each item as whoever acts now: answers are streamed when the door is shut."""
    context = copy_context()
    end = object()

    def asked() -> Iterator[T]:
        while (item := context.run(next, items, end)) is not end:
            yield cast("T", item)

    return asked()


def become(who: Principal, door: Door) -> None:
    """Act as ``who`` for the rest of the process, as commands do."""
    _acting.set(Acting(who, door))
