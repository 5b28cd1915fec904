"""What reading a source gives: entities that may be used, problems with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callboard.lib.problems import Problem
from callboard.plugins.catalog.types.model import RelationEdge
from callboard.sdk.contributions import ImportNote


@dataclass(slots=True)
class EmittedEntity:
    """One entity as a source emits it: valid, annotated, placeholders resolved.

    ``digest`` covers everything that can change what the portal shows of it. ``text`` is the entity as
    JSON; ``terms`` and ``fields`` are what it is found by.
    """

    ref: str
    entity: dict[str, Any]
    location: str
    location_key: str
    line: int
    digest: str
    text: str
    terms: list[str]
    fields: dict[str, Any]
    edges: tuple[RelationEdge, ...] = ()


@dataclass(slots=True)
class EmittedProblem:
    """A problem, the entity it concerns where that is known, and the document as far as it was read."""

    problem: Problem
    ref: str = ""
    document: Mapping[str, Any] | None = None


@dataclass(slots=True)
class EmittedNote:
    """What an importer did with one part of a file, and which file that is."""

    url: str
    format: str
    note: ImportNote

    def as_dict(self) -> dict[str, Any]:
        """Answer plain JSON."""
        note = self.note
        return {
            "file": self.url, "format": self.format, "line": note.line or None, "path": note.path,
            "result": note.result, "to": note.to,
        }  # fmt: skip


@dataclass(slots=True)
class SourceReading:
    """The outcome of reading one source.

    ``complete``  whether what is not in ``entities`` is truly gone. A failed or partial reading is not
                  complete: what was known stays.
    ``broken``    locations of files in which it cannot be told who is meant: whatever was known from
                  them stays. ``doubtful`` are rejected refs whose very name is in question (with their
                  file): if nobody knows such a ref, something known may be hidden behind a typing error.
    ``removed``   refs that a delta takes away.
    ``notes``     what importers of other formats did with the parts of their files.
    ``confirmed`` somebody asked for the deletions it implies, however many they are.
    ``unchanged`` the source said that nothing is new; only its schedule moves.
    """

    source_id: int
    entities: list[EmittedEntity] = field(default_factory=list)
    problems: list[EmittedProblem] = field(default_factory=list)
    complete: bool = True
    unchanged: bool = False
    failed: bool = False
    etag: str = ""
    fingerprint: str = ""
    files: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    broken: set[str] = field(default_factory=set)
    doubtful: dict[str, str] = field(default_factory=dict)
    delta: bool = False
    retry_after: float | None = None
    confirmed: bool = False
    notes: list[EmittedNote] = field(default_factory=list)
