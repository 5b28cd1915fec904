"""Drive the engine in tests: register, process, look."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import orjson

from callboard.plugins.catalog.models import Body, Entity, Problem, Relation, Source
from callboard.plugins.catalog.services.locations import register_location, unregister_location
from callboard.plugins.catalog.services.processing import process_due
from callboard.plugins.catalog.services.writing import Applied
from callboard.plugins.catalog.settings import CatalogSettings
from callboard.sdk.auth import OPERATOR, Principal, act_as
from callboard.sdk.config import portal_config

ANN = Principal("user", "user:default/ann", "Ann", ("user:default/ann", "group:default/apples"))
BOB = Principal("user", "user:default/bob", "Bob", ("user:default/bob",))


@contextmanager
def catalog_settings(**changed: Any) -> Iterator[None]:
    """Run the block under other settings of the catalog."""
    rooms = portal_config().rooms
    before = rooms["catalog"]
    rooms["catalog"] = CatalogSettings.model_validate({**before.model_dump(), **changed})
    try:
        yield
    finally:
        rooms["catalog"] = before


def loopback() -> Any:
    """Let locations read servers on this machine."""
    return catalog_settings(reading={"allow": ["127.0.0.1"]})


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def register(target: object, type_: str = "file", who: Principal = OPERATOR, **more: Any) -> Source:
    """Register a location and process everything it leads to."""
    with act_as(who, "cli"):
        source = register_location(type_, str(target), **more)
        process_due()
    source.refresh_from_db()
    return source


def unregister(source: Source, who: Principal = OPERATOR) -> list[str]:
    with act_as(who, "cli"):
        return unregister_location(str(source.uid))


def process(*sources: Source, who: Principal = OPERATOR) -> Applied:
    """Read these sources (or what is due) again."""
    with act_as(who, "cli"):
        return process_due(only=[s.pk for s in sources] if sources else None)


def refs() -> set[str]:
    """Every entity but the Location entities that stand for registrations."""
    found = Entity.objects.values_list("ref", flat=True)
    return {ref for ref in found if not ref.startswith("location:default/generated-")}


def entity(ref: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(Body.objects.get(entity__ref=ref).json)
    return found


def relations(ref: str) -> set[tuple[str, str]]:
    """The relations the final entity shows, which have to be those of the table."""
    shown = {(r["type"], r["targetRef"]) for r in entity(ref)["relations"]}
    assert shown == set(Relation.objects.filter(source_ref=ref).values_list("type", "target_ref"))
    return shown


def codes() -> list[str]:
    return list(Problem.objects.order_by("id").values_list("code", flat=True))


def component(name: str, owner: str = "group:apples", more: str = "", namespace: str = "default") -> str:
    return f"""\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: {name}
  namespace: {namespace}
spec:
  type: service
  lifecycle: production
  owner: {owner}
{more}"""


def location(name: str, *targets: object, more: str = "") -> str:
    listed = "".join(f"    - {target}\n" for target in targets)
    return f"""\
apiVersion: backstage.io/v1alpha1
kind: Location
metadata:
  name: {name}
spec:
{more}  targets:
{listed}"""


def group(name: str) -> str:
    return f"""\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {{name: {name}}}
spec: {{type: team, children: []}}
"""


def docs(*texts: str) -> str:
    return "---\n".join(texts)
