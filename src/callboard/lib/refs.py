"""Read and write references: to entities (``component:default/shop``) and to locations (``url:https://…``).

An entity ref reads ``[<kind>:][<namespace>/]<name>``. Refs are compared without regard to case; the
canonical form is therefore lower-case and always names kind and namespace.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

DEFAULT_NAMESPACE = "default"

# Browsers skip blanks, control characters and line breaks inside the word, so the check does too.
_SCRIPT_TARGET = re.compile(r"^[\x00-\x20]*" + r"[\r\n\t]*".join("javascript") + r"[\r\n\t]*:", re.IGNORECASE)


class RefError(ValueError):
    """A reference that cannot be understood; the message says what was expected."""


def _short(text: str, limit: int = 120) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


@dataclass(frozen=True, slots=True)
class EntityRef:
    """A reference to an entity. Fields keep the case they were written in; ``str()`` is canonical."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str, default_kind: str | None = None, default_namespace: str | None = None) -> Self:
        """Read ``[<kind>:][<namespace>/]<name>``.

        A missing kind is taken from ``default_kind``, a missing namespace from ``default_namespace`` or
        else ``default``. Raises :class:`RefError` for anything else.
        """
        kind, namespace, name = _split(text)
        if kind is None:
            kind = default_kind
        if not kind:
            raise RefError(
                f'The entity reference "{_short(text)}" has no kind; '
                f"write it as <kind>:{_short(text)}, for example component:{_short(text)}"
            )
        return cls(kind, namespace or default_namespace or DEFAULT_NAMESPACE, name)

    @classmethod
    def of(cls, entity: Mapping[str, Any]) -> Self:
        """Answer the ref of an entity, which must have passed the check of its envelope."""
        metadata = entity["metadata"]
        return cls(entity["kind"], metadata.get("namespace") or DEFAULT_NAMESPACE, metadata["name"])

    def __str__(self) -> str:
        return f"{self.kind}:{self.namespace}/{self.name}".lower()

    def same_as(self, other: "EntityRef") -> bool:
        """Tell whether both name the same entity, whatever the case."""
        return str(self) == str(other)


def _split(text: str) -> tuple[str | None, str | None, str]:
    if not isinstance(text, str):
        raise RefError(f"An entity reference must be a string, got {type(text).__name__}")
    if not text.strip():
        raise RefError("An entity reference must not be empty; expected [<kind>:][<namespace>/]<name>")
    colon, slash = text.find(":"), text.find("/")
    if -1 < slash < colon:
        # A slash that comes first ends the namespace, and a later colon belongs to the name.
        colon = -1
    kind = text[:colon] if colon >= 0 else None
    namespace = text[colon + 1 : slash] if slash >= 0 else None
    name = text[max(colon, slash) + 1 :]
    if kind == "" or namespace == "" or name == "":
        raise RefError(f'The entity reference "{_short(text)}" is not of the form [<kind>:][<namespace>/]<name>')
    return kind, namespace, name


def canonical(text: str, default_kind: str | None = None, default_namespace: str | None = None) -> str:
    """Answer the canonical form of a ref: lower-case, with kind and namespace."""
    return str(EntityRef.parse(text, default_kind, default_namespace))


@dataclass(frozen=True, slots=True)
class LocationRef:
    """A reference to where entities come from: a ``type`` (``url``, ``file``) and its ``target``."""

    type: str
    target: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``<type>:<target>``; raises :class:`RefError`."""
        if not isinstance(text, str):
            raise RefError(f"A location reference must be a string, got {type(text).__name__}")
        type_, colon, target = (part.strip() for part in text.partition(":"))
        if not colon or not type_ or not target:
            raise RefError(
                f'The location reference "{_short(text)}" is not of the form <type>:<target>, '
                "for example url:https://host/path/catalog-info.yaml"
            )
        return cls.of(type_, target)

    @classmethod
    def of(cls, type_: str, target: str) -> Self:
        """Make a ref of its parts, with the same checks as :meth:`parse`."""
        if type_ in ("http", "https"):
            whole = f"{type_}:{target}"
            raise RefError(f'The location reference "{_short(whole)}" has no type; write it as url:{_short(whole)}')
        if not type_ or not target:
            raise RefError("A location needs both a type and a target")
        if _SCRIPT_TARGET.match(target):
            raise RefError("The target of a location must not be a javascript: URL")
        return cls(type_, target)

    def __str__(self) -> str:
        return f"{self.type}:{self.target}"


def is_script_url(text: str) -> bool:
    """Tell whether a browser would run the URL as a script instead of opening it."""
    return _SCRIPT_TARGET.match(text) is not None
