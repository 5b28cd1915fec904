"""Writes of the dummy plugin."""

from django.db import transaction

from callboard.sdk.audit import record
from callboard.sdk.events import publish
from callboard.sdk.permissions import require
from callboard_dummy.models import Thing


def add_thing(name: str, owner: str = "") -> Thing:
    """Add a thing, unless there is one of that name."""
    require("dummy.thing.create")
    with transaction.atomic():
        thing, created = Thing.objects.get_or_create(name=name, defaults={"owner": owner})
        if created:
            record("dummy.thing.add", f"thing:{name}", {"owner": owner})
            publish("dummy.thing-added", {"name": name})
    return thing


def note_arrival(payload: dict[str, str]) -> None:
    """Note that the event about a thing has arrived."""
    require("dummy.thing.create")
    Thing.objects.filter(name=payload["name"]).update(announced=True)


def erase_things(user_ref: str) -> int:
    """Remove what is kept about a person; answer how much."""
    require("dummy.thing.create")
    with transaction.atomic():
        count, _ = Thing.objects.filter(owner=user_ref).delete()
        record("dummy.thing.erase", user_ref, {"count": count})
    return count


def load_demo() -> None:
    """Add the things of the demo; safe to repeat."""
    add_thing("demo-thing", "user:default/guest")
