"""Look at the portal with somebody else's eyes: read-only, and written down."""

from __future__ import annotations

from django.utils.translation import gettext as _

from callboard.plugins.rbac.services.errors import AccessError
from callboard.sdk.audit import record
from callboard.sdk.auth import Principal, principal, principal_named
from callboard.sdk.permissions import require

VIEW_AS = "rbac.view-as.start"


def begin_viewing(ref: str) -> Principal:
    """Say whose eyes are to be used and write it down; the door remembers it."""
    require(VIEW_AS)
    seen = principal_named(ref)
    if seen is None:
        raise AccessError(_("There is nobody called %(ref)s.") % {"ref": ref[:200]}, "ref")
    if seen.ref == principal().ref:
        raise AccessError(_("That is you."), "ref")
    record("rbac.view-as.start", seen.ref)
    return seen


def finish_viewing(ref: str) -> None:
    """Write down that it is over."""
    if ref:
        record("rbac.view-as.stop", ref)
