"""People, teams and roles for the tests of access."""

from __future__ import annotations

from callboard.sdk.auth import Principal

ADMINISTRATORS = {
    "name": "portal-administrator",
    "title": "Portal administrators",
    "members": ["administrators"],
    "decisions": [{"allow": "all"}],
}
OWN = {"rule": "IS_ENTITY_OWNER", "params": {"claims": ["$ownerRefs"]}}


def kinds(*names):
    return {"rule": "IS_ENTITY_KIND", "params": {"kinds": list(names)}}


def role(name, members, *decisions, **more):
    return {"name": name, "members": members, "decisions": list(decisions), **more}


def person(name, *groups, administrator=False, kind="user", idp_groups=()):
    ref = f"user:default/{name}"
    return Principal(kind, ref, name.title(), (ref, *groups), administrator=administrator, idp_groups=tuple(idp_groups))
