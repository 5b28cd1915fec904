"""Turn parser events straight into plain values, without nodes in between.

libyaml delivers events one after another and never recurses, so that depth and size are checked here
before anything grows. Skipping PyYAML's nodes and constructors makes reading two to three times faster.
"""

from collections.abc import Callable
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from callboard.lib.yaml12.scalars import SPECIAL_FIRST, key_text, resolve

_NUMBER_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))


class RejectedError(Exception):
    """A document that is well-formed YAML but not acceptable; marks are 0-based."""

    def __init__(self, code: str, message: str, remedy: str, event: Event | None) -> None:
        super().__init__(message)
        mark = event.start_mark if event is not None else None
        self.code = code
        self.message = message
        self.remedy = remedy
        self.line: int = mark.line if mark is not None else 0
        self.column: int | None = mark.column if mark is not None else None


class Builder:
    """Build the values of one stream of documents."""

    def __init__(self, text: str, max_depth: int, max_nodes: int) -> None:
        self._parser: Any = yaml.CSafeLoader(text)
        self._next: Callable[[], Any] = self._parser.get_event
        self._max_depth = max_depth
        self._max_nodes = max_nodes
        self._nodes = 0
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open: set[str] = set()
        self._next()  # the start of the stream
        self.start = 0
        """Index into the text where the current document starts."""
        self.line = 0
        """0-based line of the first content of the current document."""

    def next_document(self) -> tuple[bool, Any]:
        """Answer ``(True, value)`` for the next document and ``(False, None)`` after the last one."""
        event: Any = self._next()
        if isinstance(event, StreamEndEvent):
            return False, None
        if not isinstance(event, DocumentStartEvent):
            raise RejectedError("yaml-syntax", "A document was expected.", "Start it with a line ---", event)
        mark: Any = event.start_mark
        self.start = mark.index
        self._anchors.clear()
        self._open.clear()
        self._nodes = 0
        event = self._next()
        self.line = event.start_mark.line
        value = self._value(event, 0)
        end = self._next()
        if not isinstance(end, DocumentEndEvent):
            raise RejectedError("yaml-syntax", "The document has more than one value.", "Separate with ---", end)
        return True, value

    # --- values ---------------------------------------------------------------

    def _value(self, event: Event, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event, depth)
        if kind is MappingStartEvent:
            return self._collection(event, depth, self._mapping)
        return self._collection(event, depth, self._sequence)

    def _collection(self, event: Any, depth: int, build: Callable[[Event, int], Any]) -> Any:
        self._check_depth(depth, event)
        anchor = event.anchor
        if anchor is None:
            return build(event, depth + 1)
        before = self._nodes
        self._open.add(anchor)
        value = build(event, depth + 1)
        self._open.discard(anchor)
        self._anchors[anchor] = (value, self._nodes - before)
        return value

    # Split into smaller functions it would be a quarter slower: this is where the time goes.
    def _mapping(self, start: Event, depth: int) -> dict[str, Any]:  # noqa: PLR0912
        following = self._next
        out: dict[str, Any] = {}
        merged: list[dict[str, Any]] | None = None
        # The loop bound is the node limit: no count has to be kept while reading.
        for _ in range(self._max_nodes - self._nodes + 1):
            event: Any = following()
            if type(event) is not ScalarEvent:
                if type(event) is MappingEndEvent:
                    self._count(len(out) + 1, start)
                    return out if merged is None else _merge(merged, out)
                event = self._key_alias(event)
            key = event.value
            if event.style == "" and event.implicit[0]:
                if key == "<<":
                    merged = merged or []
                    merged.extend(self._merge_sources(following(), depth))
                    continue
                if not key or key[0] in SPECIAL_FIRST:
                    key = key_text(key)
            elif "\0" in key:
                raise _null_character(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = (event.value, 1)
            if key in out:
                raise RejectedError(
                    "yaml-duplicate-key",
                    f'The key "{key[:100]}" appears twice in the same mapping.',
                    "Remove one of the two, or rename it.",
                    event,
                )
            event = following()
            kind = type(event)
            if kind is ScalarEvent:
                # The common case, written out: a call per scalar costs a quarter of the speed.
                text = event.value
                if event.anchor is not None or event.tag is not None:
                    out[key] = self._scalar(event)
                elif event.style == "":
                    out[key] = text if text and text[0] not in SPECIAL_FIRST else resolve(text)
                elif "\0" not in text:
                    out[key] = text
                else:
                    out[key] = self._scalar(event)
            else:
                out[key] = self._value(event, depth)
        raise self._too_large(start)

    def _sequence(self, start: Event, depth: int) -> list[Any]:
        following = self._next
        out: list[Any] = []
        append = out.append
        for _ in range(self._max_nodes - self._nodes + 1):
            event: Any = following()
            kind = type(event)
            if kind is ScalarEvent:
                append(self._scalar(event))
            elif kind is SequenceEndEvent:
                self._count(len(out) + 1, start)
                return out
            else:
                append(self._value(event, depth))
        raise self._too_large(start)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        value: Any
        if event.tag is not None and event.tag != "!":
            value = _tagged(text, event.tag)
        elif event.style == "" and event.tag is None:
            value = resolve(text)
        else:
            if event.style == '"' and "\0" in text:
                raise _null_character(event)
            value = text
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        return value

    def _alias(self, event: Any, depth: int) -> Any:
        name = event.anchor
        if name in self._open:
            raise RejectedError(
                "yaml-alias", f'The alias "*{name[:100]}" lies inside of what it stands for.',
                "Write the value out instead of referring to it.", event,
            )  # fmt: skip
        if name not in self._anchors:
            raise RejectedError(
                "yaml-alias", f'The alias "*{name[:100]}" refers to an anchor that does not exist.',
                f"Define &{name[:100]} above it, or write the value out.", event,
            )  # fmt: skip
        value, size = self._anchors[name]
        self._count(size, event)
        # Each use gets its own copy, so that changing one place never changes another.
        return self._copy(value, depth, event)

    def _copy(self, value: Any, depth: int, alias: Event) -> Any:
        if isinstance(value, dict):
            self._check_depth(depth, alias)
            return {key: self._copy(item, depth + 1, alias) for key, item in value.items()}
        if isinstance(value, list):
            self._check_depth(depth, alias)
            return [self._copy(item, depth + 1, alias) for item in value]
        return value

    # --- keys and merging -----------------------------------------------------

    def _key_alias(self, event: Any) -> Any:
        if type(event) is AliasEvent:
            value = self._alias(event, 0)
            if isinstance(value, str):
                return ScalarEvent(None, None, (False, True), value, event.start_mark, event.end_mark, '"')
        raise RejectedError(
            "yaml-key",
            "A key must be plain text; lists and mappings cannot be keys.",
            "Put it in quotes if it was meant as text.",
            event,
        )

    def _merge_sources(self, event: Event, depth: int) -> list[dict[str, Any]]:
        value = self._value(event, depth)
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise RejectedError(
                "yaml-merge", 'The merge key "<<" needs a mapping or a list of mappings.',
                'Refer to a mapping (<<: *anchor), or quote the key as "<<".', event,
            )  # fmt: skip
        return sources

    # --- limits ---------------------------------------------------------------

    def _check_depth(self, depth: int, event: Event) -> None:
        if depth >= self._max_depth:
            raise RejectedError(
                "yaml-too-deep",
                f"The document is nested more than {self._max_depth} levels deep.",
                "Flatten it, or move the deep part into a file of its own.",
                event,
            )

    def _count(self, nodes: int, event: Event) -> None:
        self._nodes += nodes
        if self._nodes > self._max_nodes:
            raise self._too_large(event)

    def _too_large(self, event: Event) -> RejectedError:
        return RejectedError(
            "yaml-too-large",
            f"The document has more than {self._max_nodes} values once its aliases are written out.",
            "Split it, or use fewer aliases.",
            event,
        )


def _merge(sources: list[dict[str, Any]], own: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for source in sources:
        for key, value in source.items():
            out.setdefault(key, value)
    out.update(own)
    return out


def _tagged(text: str, tag: str) -> Any:
    # Application tags (!Ref, !vault) carry no meaning here; what they tag is kept as it was written.
    if tag in _NUMBER_TAGS:
        return resolve(text)
    if "\0" in text:
        raise _null_character(None)
    return text


def _null_character(event: Event | None) -> RejectedError:
    return RejectedError(
        "yaml-null-character",
        "The text holds a null character (\\0), which cannot be stored.",
        "Remove it.",
        event,
    )
