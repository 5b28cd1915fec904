"""The one list of formats that are read, and what a conversion gives."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from callboard.plugins.importers.types.compass import read_compass
from callboard.plugins.importers.types.cortex import read_cortex
from callboard.plugins.importers.types.opslevel import read_opslevel
from callboard.plugins.importers.types.port import read_port
from callboard.plugins.importers.types.score import read_score
from callboard.plugins.importers.types.table import read_csv
from callboard.sdk.contributions import ImportNote


@dataclass(frozen=True)
class Format:
    """A format: what people call it, the names its files have, and its reader."""

    id: str
    title: str
    file_names: tuple[str, ...]
    read: Callable[[str, str], Iterable[Mapping[str, Any] | ImportNote]]


FORMATS = (
    Format("compass", "Compass", ("compass.yml", "compass.yaml"), read_compass),
    Format("cortex", "Cortex", ("cortex.yaml", "cortex.yml"), read_cortex),
    Format("opslevel", "OpsLevel", ("opslevel.yml", "opslevel.yaml"), read_opslevel),
    Format("score", "Score", ("score.yaml", "score.yml", "*.score.yaml"), read_score),
    Format("port", "Port", ("port.yml", "port.yaml", "port.json", "*.port.json", "*.port.yml"), read_port),
    Format("csv", "CSV", ("catalog.csv", "*.catalog.csv"), read_csv),
)


@dataclass(frozen=True)
class Conversion:
    """What a file of another format became: entities, notes of each part, or why it cannot be read."""

    format: Format
    url: str
    entities: list[dict[str, Any]] = field(default_factory=list)
    notes: list[ImportNote] = field(default_factory=list)
    error: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many parts were kept, mapped and dropped."""
        found = {"kept": 0, "mapped": 0, "dropped": 0}
        for note in self.notes:
            found[note.result] += 1
        return found

    def as_dict(self) -> dict[str, Any]:
        """Answer plain JSON."""
        notes = [{"line": n.line or None, "path": n.path, "result": n.result, "to": n.to} for n in self.notes]
        return {
            "format": self.format.id,
            "file": self.url,
            "entities": self.entities,
            "counts": self.counts,
            "notes": notes,
            "error": self.error or None,
        }


def format_of(file_name: str) -> Format | None:
    """Answer the format of a file by its name; any `.csv` is one when it is named by hand."""
    for item in FORMATS:
        if any(fnmatch.fnmatchcase(file_name.lower(), pattern) for pattern in item.file_names):
            return item
    return format_called("csv") if file_name.lower().endswith((".csv", ".tsv")) else None


def format_called(name: str) -> Format | None:
    """Answer a format by its id."""
    return next((item for item in FORMATS if item.id == name), None)


def convert(
    text: str,
    url: str,
    wanted: Format,
    columns: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
) -> Conversion:
    """Convert a text; what cannot be read is said, and what was read before stays."""
    done = Conversion(wanted, url)
    error = ""
    try:
        found = read_csv(text, url, columns, defaults) if wanted.id == "csv" else wanted.read(text, url)
        for item in found:
            if isinstance(item, ImportNote):
                done.notes.append(item)
            else:
                done.entities.append(dict(item))
    except ValueError as reason:
        error = str(reason)
    return Conversion(wanted, url, done.entities, done.notes, error)


def lines_of(done: Conversion) -> list[str]:
    """Answer the report of a conversion, a line for each part of the file."""
    lines = []
    for note in done.notes:
        place = f"{done.url}:{note.line}" if note.line else done.url
        lines.append(f"{place}: {note.result:>7} {note.path}".rstrip() + (f" → {note.to}" if note.to else ""))
    if done.error:
        lines.append(f"error: {done.error}")
    counts = done.counts
    lines.append(
        f"{len(done.entities)} entities from {done.url} ({done.format.title}): "
        f"{counts['kept']} kept, {counts['mapped']} mapped, {counts['dropped']} dropped."
    )
    return lines
