"""Answer everybody at once: all accounts and all people the catalog knows, as the callers they would be.

What is asked of one person at a time costs a few queries each; reports over thousands of people ask here.
"""

from __future__ import annotations

from dataclasses import replace

from callboard.core.auth.guests import GUEST
from callboard.core.auth.models import User
from callboard.core.auth.people import (
    Listed,
    default_ref,
    people_directory,
    principal_of,
    refs_of_administrators,
)
from callboard.core.auth.principal import Principal


def everybody() -> list[Principal]:
    """Answer every person with an account that is on or an entity in the catalog, by ref, in a few queries."""
    directory = people_directory()
    listed = {person.ref: person for person in (directory.people() if directory else ())}
    by_email = _unique_emails(listed)
    administrators = refs_of_administrators()
    found: dict[str, Principal] = {}
    for user in User.objects.filter(is_active=True).order_by("pk"):
        if user.is_service:
            principal = principal_of(user, frozenset(("read", "write")))
            found.setdefault(principal.ref, replace(principal, scopes=None))
            continue
        own = f"user:default/{user.username.lower()}"
        ref = user.entity_ref.lower() or by_email.get(user.email.lower(), own if own in listed else "")
        ref = ref or default_ref(user.username)
        person = listed.pop(ref, None)
        refs = tuple(dict.fromkeys((ref, *(person.groups if person else ()))))
        principal = Principal(
            "user",
            ref,
            user.get_full_name() or (person.title if person else "") or user.username,
            refs,
            administrator=user.is_superuser or bool(administrators.intersection(refs)),
            user_id=user.pk,
            idp_groups=tuple(user.idp_groups),
        )
        earlier = found.get(ref)
        if earlier is None or (principal.administrator and not earlier.administrator):
            found[ref] = principal
    for ref, person in listed.items():
        found.setdefault(ref, _principal(person, administrators))
    return sorted(found.values(), key=lambda who: who.ref)


def principal_named(ref: str) -> Principal | None:
    """Answer the caller that a ref stands for: a person, the guest; nothing if nobody is called so."""
    ref = ref.lower()
    if ref == GUEST.ref:
        return GUEST
    return next((who for who in everybody() if who.ref == ref), None)


def _principal(person: Listed, administrators: set[str]) -> Principal:
    refs = tuple(dict.fromkeys((person.ref, *person.groups)))
    administrator = bool(administrators.intersection(refs))
    return Principal("user", person.ref, person.title, refs, administrator=administrator)


def _unique_emails(listed: dict[str, Listed]) -> dict[str, str]:
    """Answer whose an address is; one that several entities have is nobody's."""
    owners: dict[str, str | None] = {}
    for person in listed.values():
        if person.email:
            owners[person.email] = None if person.email in owners else person.ref
    return {email: ref for email, ref in owners.items() if ref}
