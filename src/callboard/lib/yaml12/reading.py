"""Read files of many YAML documents so that a broken one never hides the others.

The whole text is parsed in one pass. Only where that fails the rest is cut at its ``---`` lines (which end a
document even inside of block scalars) and read piece by piece, so that good files pay nothing for it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from callboard.lib.problems import Place, Problem
from callboard.lib.yaml12.documents import Document
from callboard.lib.yaml12.events import Builder, RejectedError


@dataclass(frozen=True, slots=True)
class Limits:
    """What is accepted from strangers: bytes and documents of a file, depth and values of a document."""

    bytes: int = 10 * 1024 * 1024
    documents: int = 50_000
    depth: int = 100
    nodes: int = 1_000_000


DEFAULT_LIMITS = Limits()

_BOUNDARY = re.compile(r"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_ONLY_PREAMBLE = re.compile(r"(?:[ \t]*(?:#[^\n]*|%[^\n]*)?\r?(?:\n|\Z))*\Z")
_UNREADABLE = re.compile(
    "[^\\x09\\x0a\\x0d\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
)
_SYNTAX_REMEDY = "Correct the YAML there; indentation, quotes and colons are the usual causes."


def read_documents(text: str | bytes, url: str, limits: Limits = DEFAULT_LIMITS) -> list[Document | Problem]:
    """Read all documents of a file, in order; one that cannot be read gives a problem in its place.

    Empty documents are left out. Values are plain JSON: dict with string keys, list, str, int, float,
    bool, None.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > limits.bytes:
        return [
            Problem(
                "yaml-too-large",
                f"The file has {size} bytes; at most {limits.bytes} are read.",
                "Split it into smaller files and list them in a Location.",
                Place(url),
            )
        ]
    decoded = _decode(text, url)
    if isinstance(decoded, Problem):
        return [decoded]
    out: list[Document | Problem] = []
    for count, item in enumerate(_items(decoded, url, limits)):
        # Empty documents count, since reading a million of them takes time as well.
        if count >= limits.documents:
            out.append(
                Problem(
                    "yaml-too-many-documents",
                    f"The file has more than {limits.documents} documents; the rest was not read.",
                    "Split it into smaller files and list them in a Location.",
                    Place(url, item.place.line if isinstance(item, Problem) else item.line if item else None),
                )
            )
            break
        if item is not None:
            out.append(item)
    return out


def _decode(text: str | bytes, url: str) -> str | Problem:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return text.decode("utf-16")
        except UnicodeDecodeError:
            pass
    try:
        return text.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = text[: error.start]
        return Problem(
            "yaml-encoding",
            f"The file is not UTF-8: byte 0x{text[error.start]:02x} cannot be read.",
            "Save the file as UTF-8.",
            Place(url, before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1),
        )


def _items(text: str, url: str, limits: Limits) -> Iterator[Document | Problem | None]:
    """Yield what each document gives; ``None`` for an empty one."""
    done = 0
    line = 0
    try:
        builder = Builder(text, limits.depth, limits.nodes)
        pending: tuple[Any, int, int] | None = None
        while True:
            more, value = builder.next_document()
            if pending is not None:
                # A document's text is known to be complete once the next one starts.
                done = builder.start if more else len(text)
                source = text[pending[1] : done]
                empty = pending[0] is None
                yield None if empty else Document(pending[0], pending[2] + 1, source, line + 1)
                line += source.count("\n")
                pending = None
            elif more:
                done = builder.start
                line = text.count("\n", 0, done)
            if not more:
                return
            pending = (value, builder.start, builder.line)
    except (yaml.YAMLError, RejectedError, UnicodeEncodeError):
        pass
    for piece, start_line in _pieces(text, done, line):
        yield from _piece(piece, start_line, url, limits)


def _pieces(text: str, start: int, line: int) -> Iterator[tuple[str, int]]:
    """Cut the text from ``start`` on at its document markers; each piece comes with its 0-based line."""
    begin = start
    for boundary in _BOUNDARY.finditer(text, start + 1):
        cut = boundary.start() if boundary[0] == "---" else boundary.end()
        piece = text[begin:cut]
        # Directives and comments belong to the document after them.
        if boundary[0] == "---" and _ONLY_PREAMBLE.match(piece):
            continue
        yield piece, line
        line += piece.count("\n")
        begin = cut
    if begin < len(text):
        yield text[begin:], line


def _piece(piece: str, start_line: int, url: str, limits: Limits) -> Iterator[Document | Problem | None]:
    # What is wrong at the end of a piece spoils all of it, so nothing is handed out before it is read.
    found: list[Document | None] = []
    try:
        builder = Builder(piece, limits.depth, limits.nodes)
        while True:
            more, value = builder.next_document()
            if not more:
                break
            line = start_line + builder.line + 1
            found.append(None if value is None else Document(value, line, piece, start_line + 1))
        yield from found
    except RejectedError as error:
        column = None if error.column is None else error.column + 1
        yield Problem(error.code, error.message, error.remedy, Place(url, start_line + error.line + 1, column))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line, mark.column) if mark is not None else (0, 0)
        words = ", ".join(part for part in (error.context, error.problem) if part)
        yield Problem(
            "yaml-syntax",
            f"The YAML cannot be read: {words}.",
            _SYNTAX_REMEDY,
            Place(url, start_line + where[0] + 1, where[1] + 1),
        )
    except (yaml.YAMLError, UnicodeEncodeError):
        yield _unreadable(piece, start_line, url)


def _unreadable(piece: str, start_line: int, url: str) -> Problem:
    found = _UNREADABLE.search(piece)
    if found is None:
        return Problem("yaml-syntax", "The YAML cannot be read.", _SYNTAX_REMEDY, Place(url, start_line + 1))
    before = piece[: found.start()]
    return Problem(
        "yaml-character",
        f"The file holds the character U+{ord(found[0]):04X}, which YAML does not allow.",
        "Remove it, or write it as an escape in a double-quoted string.",
        Place(url, start_line + before.count("\n") + 1, found.start() - (before.rfind("\n") + 1) + 1),
    )
