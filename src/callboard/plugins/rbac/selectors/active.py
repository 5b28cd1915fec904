"""The policy in force: read once a version, compiled, and asked by every door of the portal."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from callboard.lib.problems import ProblemError
from callboard.plugins.rbac.models import Grant, Policy, State
from callboard.plugins.rbac.types.deciding import Compiled, Membership, filled
from callboard.plugins.rbac.types.document import PolicyDocument
from callboard.plugins.rbac.types.reading import read_document, read_member
from callboard.plugins.rbac.types.ready import ADMINISTRATOR
from callboard.sdk.auth import Principal
from callboard.sdk.contributions import Permission
from callboard.sdk.permissions import Criteria, Decision, DefaultPolicy, allow, criteria_from_data, deny, only_if
from callboard.sdk.plugins import is_enabled, registry

log = logging.getLogger(__name__)

STATE_SECONDS = 2.0
"""How long a process may go on with the policy it knows before it asks whether there is a newer one."""


@dataclass(frozen=True)
class Active:
    """The policy that decides, with the number of the state it was read in."""

    version: int
    policy_id: UUID | None
    compiled: Compiled | None


NOTHING = Active(-1, None, None)


class RbacPolicy:
    """Decides by the published policy; without one, as the portal always did."""

    def __init__(self) -> None:
        self._default = DefaultPolicy()
        self._active = NOTHING
        self._until = 0.0
        self._lock = threading.Lock()

    def decide(self, permission: Permission, who: Principal) -> Decision:
        """Answer the decision, with the role that made it as the reason."""
        compiled = self.active().compiled
        if compiled is None or not is_enabled("rbac"):
            return self._default.decide(permission, who)
        if who.type == "service" and who.scopes is not None and permission.id in who.scopes:
            # Whoever made the token may manage tokens, and meant exactly this.
            return allow("the token's scopes name this permission")
        return decision_of(compiled, permission, who, timezone.now())

    def active(self) -> Active:
        """Answer the policy in force, at most two seconds old."""
        now = time.monotonic()
        if now < self._until:
            return self._active
        with self._lock:
            if now >= self._until:
                self._active = self._fresh(self._active)
                self._until = time.monotonic() + STATE_SECONDS
        return self._active

    def forget(self) -> None:
        """Ask the database at the next question."""
        self._until = 0.0

    @staticmethod
    def _fresh(known: Active) -> Active:
        try:
            version = State.objects.values_list("version", flat=True).first() or 0
            return known if version == known.version else read_active(version)
        except DatabaseError:
            # Before the first migration there is no table; afterwards what was known goes on to count.
            log.warning("the policy in force could not be read", exc_info=known is not NOTHING)
            return known


def read_active(version: int) -> Active:
    """Read and compile what is in force."""
    row = Policy.objects.filter(status=Policy.Status.PUBLISHED).first()
    if row is None:
        return Active(version, None, None)
    try:
        document = document_of(row)
    except ProblemError:
        # Written by another hand. Closed to all but those who can mend it is better than open to all.
        log.exception("the policy in force cannot be read; only administrators get in")
        document = PolicyDocument(roles=(ADMINISTRATOR,))
    return Active(version, row.pk, Compiled(document, memberships()))


def document_of(row: Policy) -> PolicyDocument:
    """Answer the document of a version."""
    return read_document(row.document)


def memberships() -> tuple[Membership, ...]:
    """Answer the access that is granted for a time and holds now."""
    found = []
    holding = Grant.objects.filter(ended_at__isnull=True, until__gt=timezone.now())
    for role, member, until in holding.values_list("role", "member", "until"):
        try:
            read = read_member(member)
        except ProblemError:
            continue
        found.append(Membership(role, type(read)(read.type, read.ref, until)))
    return tuple(found)


def decision_of(compiled: Compiled, permission: Permission, who: Principal, now: datetime) -> Decision:
    """Answer what a compiled policy decides for somebody."""
    verdict = compiled.verdict(compiled.roles_of(who, now), permission, registry.owner_of(permission))
    if verdict.result == "allow":
        return allow(verdict.reason)
    if verdict.condition is None:
        return deny(verdict.reason)
    return only_if(criteria_for(verdict.condition, permission.resource_type, who), verdict.reason)


def criteria_for(condition: Any, resource_type: str, who: Principal) -> Criteria:
    """Answer a condition of a policy as the portal applies it, for one person."""
    return criteria_from_data(filled(condition, who), resource_type)


policy = RbacPolicy()
"""The policy of this process."""
