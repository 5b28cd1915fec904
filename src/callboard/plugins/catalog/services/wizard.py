"""Guide a person from an address they paste to a registration, and look after registrations later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.lib.yaml12 import dump
from callboard.plugins.catalog.clients.types import LocationTarget
from callboard.plugins.catalog.models import Entity, Source
from callboard.plugins.catalog.services.analysing import suggestion
from callboard.plugins.catalog.services.importing import guess_location
from callboard.plugins.catalog.services.locations import Preview, check_location, preview_location
from callboard.plugins.catalog.services.processing import wake
from callboard.plugins.catalog.types.emitted import EmittedEntity
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.permissions import require

LONGEST = 2000


@dataclass(frozen=True)
class Look:
    """What a look at a location found: ``state`` says of each entity whether it would be new, changed or the same."""

    location: LocationTarget
    preview: Preview
    states: dict[str, str] = field(default_factory=dict)
    suggested: str = ""

    @property
    def entities(self) -> list[EmittedEntity]:
        """The entities that people care about: without the Location entities that only lead on."""
        shown = [e for e in self.preview.entities if not e.ref.startswith("location:")]
        return shown or self.preview.entities


def understand_location(text: str, ref: str = "") -> LocationTarget:
    """Answer the location a person means; raise :class:`ProblemError` for what they may not or cannot register.

    Paths of the portal's own machine are for administrators: whoever reads them reads as the portal.
    """
    text = text.strip()
    if not text:
        raise _problem("empty", "Nothing was entered.", "Paste the address of a repository or of a catalog file.")
    if len(text) > LONGEST:
        raise _problem("invalid-target", "The address is too long.", f"Use at most {LONGEST} characters.")
    if "\0" in text or "\n" in text:
        raise _problem("invalid-target", "The address has characters that cannot be part of one.", "Paste one address.")
    location = guess_location(text, ref.strip())
    local = location.type == "file" or location.target.lower().startswith("file:")
    if local and not principal().administrator:
        raise _problem(
            "not-an-address",
            f"{text[:200]} is no address on the network, and only administrators may register paths of this machine.",
            "Paste the https address of a repository or of a catalog-info.yaml file.",
        )
    return check_location(location.type, location.target)


def look_at(location: LocationTarget) -> Look:
    """Read a location without registering it, and compare what it has with what is known."""
    preview = preview_location(location.type, location.target)
    refs = [e.ref for e in preview.entities]
    known = dict(Entity.objects.filter(ref__in=refs).values_list("ref", "digest"))
    holders = dict(Entity.objects.filter(ref__in=refs).exclude(source=None).values_list("ref", "location"))
    states = {}
    for emitted in preview.entities:
        if emitted.ref not in known:
            states[emitted.ref] = "new"
        elif holders.get(emitted.ref) not in (None, emitted.location):
            states[emitted.ref] = "taken"
        else:
            states[emitted.ref] = "known"
    suggested = "" if preview.entities else dump(_suggested(location))
    return Look(location, preview, states, suggested)


def _suggested(location: LocationTarget) -> dict[str, Any]:
    entity: dict[str, Any] = suggestion(location.target.partition("?")[0])["entity"]
    entity["spec"] = {"type": "service", "lifecycle": "experimental", "owner": "group:default/your-team"}
    return entity


def read_location_again(uid: str) -> Source | None:
    """Read one location anew, at once; answer it, or nothing if there is none."""
    require("catalog.entity.refresh")
    with transaction.atomic():
        source = Source.objects.exclude(type="provider").filter(uid=uid).first()
        if source is None:
            return None
        Source.objects.filter(pk=source.pk).update(due_at=timezone.now(), fingerprint="", etag="")
        record("catalog.location.refresh", str(source))
        wake()
    return source


def _problem(code: str, message: str, remedy: str) -> ProblemError:
    return ProblemError(Problem(code, message, remedy, Place(path="location")))
