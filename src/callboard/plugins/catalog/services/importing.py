"""Understand what a person means by a path or an address, or by a file of theirs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from callboard.lib.problems import Place, Problem
from callboard.lib.yaml12 import read_documents
from callboard.plugins.catalog.clients.types import LocationTarget
from callboard.plugins.catalog.selectors.model import importer_for
from callboard.sdk.contributions import ImportNote

_SCP = re.compile(r"^[\w.-]+@[\w.-]+:(?!//)")
_FILE = re.compile(r"\.(ya?ml|json)$", re.IGNORECASE)


def guess_location(text: str, ref: str = "") -> LocationTarget:
    """Answer the location for a directory, a file, a repository or the address of a file.

    What ends in ``.yaml`` or points into a source host's web pages is a file to fetch; other addresses,
    ``ssh`` and ``git@host:`` forms are repositories, read at ``ref``; everything else is a path here.
    """
    text = text.strip()
    for kind in ("file", "url", "git"):
        if text.startswith(f"{kind}:") and not text.startswith(f"{kind}://"):
            return LocationTarget(kind, text.partition(":")[2])
    suffix = f"?ref={ref}" if ref else ""
    if _SCP.match(text) or text.startswith(("ssh://", "git://")):
        return LocationTarget("git", text + suffix)
    if text.startswith("file://"):
        return LocationTarget("git", text + suffix)
    if text.startswith(("http://", "https://")):
        address = text.partition("://")[2].partition("?")[0]
        is_file = bool(_FILE.search(address)) or any(part in address for part in ("/blob/", "/tree/", "/-/", "/src/"))
        if is_file and not ref:
            return LocationTarget("url", text)
        return LocationTarget("git", text + suffix)
    path = Path(text).expanduser().resolve()
    bare = (path / "HEAD").is_file() and (path / "objects").is_dir()
    if bare or (ref and (path / ".git").exists()):
        return LocationTarget("git", f"file://{path}{suffix}")
    return LocationTarget("file", str(path))


def entities_in(content: bytes, url: str) -> tuple[list[Any], list[Problem]]:
    """Answer the values of a file that holds YAML documents, JSON, or a list of entities; and what is no YAML."""
    values: list[Any] = []
    problems: list[Problem] = []
    importer = importer_for(url.rpartition("/")[2])
    if importer is not None:
        try:
            found = list(importer.read(content.decode("utf-8", "replace"), url))
        except ValueError as error:
            return [], [Problem("unreadable-format", f"{error}.", "Mend the file.", Place(url))]
        return [dict(item) for item in found if not isinstance(item, ImportNote)], []
    for document in read_documents(content, url):
        if isinstance(document, Problem):
            problems.append(document)
        elif isinstance(document.value, list):
            values += document.value
        else:
            values.append(document.value)
    return values, problems
