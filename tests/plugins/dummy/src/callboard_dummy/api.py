"""HTTP API of the dummy plugin."""

import json

from django.http import HttpRequest
from ninja import Schema

from callboard.sdk.api import ApiError, router
from callboard_dummy import services
from callboard_dummy.selectors import readable_things

api = router(tags=["Things"])


class ThingIn(Schema):
    """What a caller says of a new thing."""

    name: str


class ThingOut(Schema):
    """A thing."""

    name: str
    owner: str


@api.get("/things", response=list[ThingOut], summary="List things")
def list_things(request: HttpRequest) -> object:
    """Answer the things that the caller may see."""
    return readable_things()


def express(method: str, path: str, query: str, body: bytes) -> bytes | None:
    """Answer the whole list at once; everything else is left to the router."""
    if method != "GET" or path != "things" or query:
        return None
    return json.dumps([{"name": thing.name, "owner": thing.owner} for thing in readable_things()]).encode()


@api.post("/things", response={201: ThingOut}, summary="Add a thing")
def add_thing(request: HttpRequest, body: ThingIn) -> object:
    """Add a thing."""
    if not body.name:
        raise ApiError("A thing needs a name.")
    return 201, services.add_thing(body.name)
