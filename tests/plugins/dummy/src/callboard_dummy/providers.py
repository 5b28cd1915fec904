"""How entities get from the dummy plugin into the catalog, and what it does to others on their way."""

from collections.abc import Iterator
from typing import Any

from callboard.sdk.contributions import ImportNote, Mutation
from callboard_dummy.types import LABEL, STAMP, puppet


def changes() -> Iterator[Mutation]:
    """Say everything once, then a difference."""
    yield Mutation(type="full", entities=(puppet("pinocchio", handler="geppetto"), puppet("punch"), puppet("judy")))
    yield Mutation(type="delta", entities=(puppet("kasper", 5),), removed=("puppet:default/judy",))


def label(entity: dict[str, Any], location: str) -> dict[str, Any]:
    """Label every entity that asks for it, before it is checked."""
    annotations = (entity.get("metadata") or {}).get("annotations") or {}
    if LABEL not in annotations:
        return entity
    metadata = {**entity["metadata"], "labels": {**(entity["metadata"].get("labels") or {}), "dummy": "seen"}}
    return {**entity, "metadata": metadata}


def stamp(entity: dict[str, Any], location: str) -> dict[str, Any]:
    """Stamp what was labelled; refuse what is called forbidden, fail on what is called fatal."""
    name = entity["metadata"]["name"]
    if name == "forbidden":
        raise ValueError("nothing may be called forbidden")
    if name == "fatal":
        raise KeyError("fatal")
    if "dummy" not in (entity["metadata"].get("labels") or {}):
        return entity
    annotations = {**(entity["metadata"].get("annotations") or {}), STAMP: "yes"}
    return {**entity, "metadata": {**entity["metadata"], "annotations": annotations}}


def read_troupe(text: str, url: str) -> Iterator[dict[str, Any] | ImportNote]:
    """Read `troupe.yml`: one puppet a line, its name and its number of strings."""
    for number, line in enumerate(text.splitlines(), 1):
        name, _, strings = line.partition(":")
        if line.strip():
            if not strings.strip().isdigit():
                raise ValueError(f"line {number} of {url} must read `name: number`")
            yield puppet(name.strip(), int(strings))
            yield ImportNote(path=name.strip(), result="mapped", to="spec.strings", line=number)
