"""Say which entity describes an account, and what that person owns things as.

The catalog knows people and groups, and the core does not know the catalog: whoever does, hands over a
:class:`PeopleDirectory`. Without one, or without a match, an account is ``user:default/<username>``.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from callboard.core.auth.models import User
from callboard.core.auth.principal import Principal
from callboard.core.config.current import portal_config
from callboard.lib.refs import EntityRef, RefError

log = logging.getLogger(__name__)

PEOPLE_SECONDS = 5.0
"""How old the groups of a person may be: a change in the catalog counts after this time at the latest."""

_LIMIT = 10_000
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Listed:
    """A person or group as the catalog lists it; ``groups`` are a person's groups and those above them,
    and a group's direct parents.
    """

    ref: str
    title: str
    email: str = ""
    groups: tuple[str, ...] = ()


class PeopleDirectory(Protocol):
    """Finds people and their groups."""

    def find_user_ref(self, username: str, email: str) -> str:
        """Answer the canonical ref of the User entity that describes the account, or ``""``."""
        ...

    def ownership_refs(self, user_ref: str) -> tuple[str, ...]:
        """Answer the canonical refs of the person's groups, direct ones and those above them."""
        ...

    def people(self) -> Iterable[Listed]:
        """Answer every person with their groups, in a few queries however many there are."""
        ...

    def groups(self) -> Iterable[Listed]:
        """Answer every group with those it is directly in."""
        ...


@dataclass(frozen=True)
class Person:
    """An account as the catalog sees it. ``in_catalog`` says whether an entity was found."""

    ref: str
    ownership_refs: tuple[str, ...]
    in_catalog: bool


_directory: list[PeopleDirectory | None] = [None]
_known: dict[tuple[int, str, str, str], tuple[float, Person]] = {}
_lock = threading.Lock()


def use_people_directory(directory: PeopleDirectory | None) -> None:
    """Let ``directory`` answer from now on in this process."""
    _directory[0] = directory
    forget_people()


def people_directory() -> PeopleDirectory | None:
    """Answer the directory in use."""
    return _directory[0]


def forget_people() -> None:
    """Ask the directory again at the next question."""
    with _lock:
        _known.clear()


def person_of(user: User) -> Person:
    """Answer who an account is, at most five seconds old."""
    key = (user.pk, user.username, user.email, user.entity_ref)
    now = time.monotonic()
    found = _known.get(key)
    if found and found[0] > now:
        return found[1]
    person = _look_up(user)
    with _lock:
        if len(_known) >= _LIMIT:
            _known.clear()
        _known[key] = (now + PEOPLE_SECONDS, person)
    return person


def _look_up(user: User) -> Person:
    directory = _directory[0]
    ref, found = user.entity_ref.lower(), bool(user.entity_ref)
    groups: tuple[str, ...] = ()
    if directory is not None:
        try:
            if not ref:
                ref = directory.find_user_ref(user.username, user.email)
                found = bool(ref)
            groups = directory.ownership_refs(ref) if ref else ()
        except Exception:
            # Somebody must be able to sign in and mend a catalog that is broken.
            log.exception("the people directory failed for account %s", user.pk)
    ref = ref or default_ref(user.username)
    return Person(ref, tuple(dict.fromkeys((ref, *groups))), found)


def default_ref(username: str) -> str:
    """Answer the ref of an account that no entity describes."""
    return f"user:default/{_NOT_IN_NAMES.sub('-', username.lower()).strip('-') or 'unnamed'}"


def service_ref(username: str) -> str:
    """Answer the ref of a service account."""
    return f"service:{username.lower()}"


def principal_of(user: User, scopes: frozenset[str] | None = None) -> Principal:
    """Answer the caller that an account is; a service account does what the scopes of its token say."""
    if user.is_service:
        ref = service_ref(user.username)
        name = user.first_name or user.username
        admin = scopes is not None and "admin" in scopes
        return Principal(
            "service", ref, name, (ref,), administrator=admin, scopes=scopes or frozenset(), user_id=user.pk
        )
    person = person_of(user)
    return Principal(
        "user",
        person.ref,
        user.get_full_name() or user.username,
        person.ownership_refs,
        administrator=user.is_superuser or bool(refs_of_administrators().intersection(person.ownership_refs)),
        scopes=scopes,
        user_id=user.pk,
        idp_groups=tuple(user.idp_groups),
    )


def refs_of_administrators() -> set[str]:
    """Answer the people and groups that the configuration makes administrators."""
    refs = set()
    for text in portal_config().auth.administrators:
        try:
            refs.add(str(EntityRef.parse(text, default_kind="user")))
        except RefError:
            log.warning("auth.administrators names %r, which is not an entity reference", text)
    return refs
