"""Let an administrator see the portal as somebody else does: to look, never to touch.

The session remembers whose eyes are used and by which permission; every request asks for that permission again,
so that it ends when it is withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from callboard.core.auth.everybody import principal_named
from callboard.core.auth.principal import Principal, act_as, acting
from callboard.core.permissions.services import decide

SESSION_KEY = "callboard_view_as"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def start_viewing(request: HttpRequest, ref: str, permission_id: str, way_out: str) -> None:
    """Show this browser what ``ref`` would see, for as long as whoever sits at it has the permission.

    ``way_out`` is the path that ends it.
    """
    request.session[SESSION_KEY] = {"ref": ref, "permission": permission_id, "way_out": way_out}


def stop_viewing(request: HttpRequest) -> str:
    """Show this browser its own portal again; answer whose eyes were used."""
    found = request.session.pop(SESSION_KEY, None)
    return str(found["ref"]) if found else ""


def way_out(request: HttpRequest) -> str:
    """Answer the path that ends looking with somebody else's eyes, if this browser does."""
    found = request.session.get(SESSION_KEY)
    return str(found["way_out"]) if found else ""


class ViewAs:
    """Put the person who is looked through in the place of the caller; refuse whatever would change something."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request with the eyes of whoever the session names."""
        call = cast("Any", request)
        wanted = None if call.by_token else request.session.get(SESSION_KEY)
        if not wanted or request.path_info in {wanted["way_out"], "/sign-out"}:
            return self.get_response(request)
        seen = self._seen(request, call.principal, wanted)
        if seen is None:
            return self.get_response(request)
        if request.method not in SAFE:
            reason = _("you are looking at the portal as %(name)s, and that is for looking only") % {"name": seen.name}
            raise PermissionDenied(reason)
        call.principal = seen
        with act_as(seen, acting().door, acting().request_id):
            return self.get_response(request)

    @staticmethod
    def _seen(request: HttpRequest, real: Principal, wanted: dict[str, str]) -> Principal | None:
        seen = None
        if real.signed_in and decide(wanted["permission"], real).allowed:
            seen = principal_named(wanted["ref"])
        if seen is None:
            del request.session[SESSION_KEY]
            return None
        return replace(seen, viewed_by=real.ref)
