"""HTTP API of the dummy plugin."""

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


@api.post("/things", response={201: ThingOut}, summary="Add a thing")
def add_thing(request: HttpRequest, body: ThingIn) -> object:
    """Add a thing."""
    if not body.name:
        raise ApiError("A thing needs a name.")
    return 201, services.add_thing(body.name)
