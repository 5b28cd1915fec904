"""Entities that are created and edited in the portal, and the way between the portal and files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.db import transaction
from django.db.models import F

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.lib.yaml12 import dump
from callboard.plugins.catalog.models import Emission, Entity, Source
from callboard.plugins.catalog.services.applying import apply
from callboard.plugins.catalog.services.pushing import push_to
from callboard.plugins.catalog.services.reading import MANAGED_BY, MANAGED_BY_ORIGIN, ref_of
from callboard.plugins.catalog.services.stitching import lock_catalog, stitch_dirty
from callboard.plugins.catalog.types.emitted import SourceReading
from callboard.plugins.catalog.types.pushing import PORTAL, PREFIX, Pushed
from callboard.sdk.audit import record
from callboard.sdk.permissions import NotAllowedError, allowed_filter, require

_PORTAL_OWNS = (MANAGED_BY, MANAGED_BY_ORIGIN)


def save_entities(entities: Sequence[Any], *, dry_run: bool = False) -> Pushed:
    """Create or change entities that the portal itself manages; answer what became of each."""
    require("catalog.entity.create")
    _require_owned([ref_of(value) for value in entities])
    return push_to(PORTAL, entities, dry_run=dry_run)


def delete_managed(refs: Sequence[str]) -> Pushed:
    """Delete entities that the portal itself manages."""
    for ref in refs:
        require("catalog.entity.delete", ref)
    return push_to(PORTAL, (), removed=refs)


def take_over(refs: Sequence[str]) -> list[str]:
    """Have the portal manage entities that came from elsewhere; they stay as they are, with their history.

    Their source may go on declaring them: it is listed as waiting, and speaks again once the portal lets go.
    Answers the refs that are the portal's now. Raises :class:`ProblemError` for refs that are not there.
    """
    require("catalog.entity.create")
    _require_owned(refs)
    with transaction.atomic():
        lock_catalog()
        bucket, _ = Source.objects.get_or_create(type="provider", target=f"{PREFIX}{PORTAL}")
        rows = _spoken(refs)
        missing = [ref for ref in refs if ref not in rows]
        if missing:
            raise ProblemError(
                Problem("not-found", f"{', '.join(missing[:5])} is not in the catalog.", "Check the refs.", Place())
            )
        # The entity changes hands first, so that what the portal says is no conflict but the next state.
        Entity.objects.filter(ref__in=refs).update(source=bucket)
        pushed = push_to(PORTAL, [_plain(orjson.loads(text)) for text in rows.values()])
        bad = [p for item in pushed.items for p in item.problems if item.result == "rejected"]
        if bad:
            raise ProblemError(bad)
        record("catalog.entity.take-over", ", ".join(refs)[:500], {"count": len(refs)})
    return [item.ref for item in pushed.items]


def let_go(refs: Sequence[str]) -> list[str]:
    """Hand portal-managed entities over to the files that declare them too; answer the refs.

    Raises :class:`ProblemError`, and changes nothing, when no other source declares one of them.
    """
    require("catalog.entity.create")
    _require_owned(refs)
    with transaction.atomic():
        lock_catalog()
        bucket = Source.objects.filter(type="provider", target=f"{PREFIX}{PORTAL}").first()
        ours = set(Emission.objects.filter(source=bucket, ref__in=refs).values_list("ref", flat=True))
        others = set(Emission.objects.filter(ref__in=ours).exclude(source=bucket).values_list("ref", flat=True))
        alone = [ref for ref in refs if ref not in others]
        if alone or bucket is None:
            raise ProblemError(
                Problem(
                    "no-file",
                    f"No file declares {', '.join(alone[:5])} yet.",
                    "Merge the pull request that adds its catalog-info.yaml and register the repository first.",
                    Place(),
                )
            )
        apply([SourceReading(bucket.pk, removed=tuple(refs), delta=True)], reason="handed over to its file")
        record("catalog.entity.let-go", ", ".join(refs)[:500], {"count": len(refs)})
    stitch_dirty()
    return list(refs)


def _require_owned(refs: Sequence[str]) -> None:
    """Ask for the right to change those of these entities that are there already."""
    condition = allowed_filter("catalog.entity.update")
    require("catalog.entity.update")
    if condition is not None and Entity.objects.filter(ref__in=refs).exclude(condition).exists():
        raise NotAllowedError("catalog.entity.update", "you do not own all of these entities")


def as_file(refs: Iterable[str]) -> str:
    """Answer a catalog file that declares these entities exactly as their sources do now."""
    wanted = list(refs)
    texts = _spoken(wanted)
    return "---\n".join(dump(_plain(orjson.loads(texts[ref]))) for ref in wanted if ref in texts)


def _spoken(refs: Sequence[str]) -> dict[str, str]:
    """Answer what the source that speaks for each of these entities says of it."""
    rows = Emission.objects.filter(ref__in=refs, source__entities__ref=F("ref"))
    return dict(rows.values_list("ref", "entity"))


def _plain(entity: dict[str, Any]) -> dict[str, Any]:
    """Answer an entity without what the portal wrote into it."""
    metadata = dict(entity["metadata"])
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k not in _PORTAL_OWNS}
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    return {**{k: entity[k] for k in ("apiVersion", "kind")}, "metadata": metadata,
            **{k: v for k, v in entity.items() if k not in {"apiVersion", "kind", "metadata"}}}  # fmt: skip
