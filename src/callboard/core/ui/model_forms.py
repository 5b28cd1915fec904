"""Forms from pydantic models: the fields to show, what was entered, and which field an error belongs to.

A field of the model may say in ``json_schema_extra``: ``title``, ``placeholder``, ``section`` (a heading),
``late`` (its section comes last), ``advanced`` (folded away), ``secret`` (write-only), ``lines`` (height of a
text), ``code`` (a language).
Lists are entered one item a line, mappings as ``key: value`` lines.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

TEXT_LIMIT = 100_000


@dataclass(frozen=True)
class FormField:
    """One field as a template shows it; ``kept`` says that a secret is stored and stays if nothing is entered."""

    name: str
    label: str
    help: str
    kind: Literal["text", "textarea", "number", "select", "checkbox", "password", "url"]
    value: str = ""
    checked: bool = False
    options: tuple[tuple[str, str], ...] = ()
    required: bool = False
    placeholder: str = ""
    rows: int = 3
    code: str = ""
    error: str = ""
    kept: bool = False


@dataclass
class FormSection:
    """Fields under one heading; those of ``advanced`` are folded away."""

    title: str
    fields: list[FormField] = field(default_factory=list)
    advanced: bool = False

    @property
    def has_error(self) -> bool:
        """Whether a field of it was refused, so that it must not stay folded."""
        return any(one.error for one in self.fields)


def form_sections(
    model: type[BaseModel],
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    *,
    hidden: Iterable[str] = (),
    kept: Iterable[str] = (),
    choices: Mapping[str, Iterable[tuple[str, str]]] | None = None,
) -> list[FormSection]:
    """Answer the fields of a model by section, in the order of the model, what is advanced last.

    ``hidden`` fields are left out, ``kept`` are secrets that are stored already, ``choices`` are the options of
    fields that name one of several things.
    """
    sections: dict[str, FormSection] = {}
    folded = FormSection("", advanced=True)
    late: set[str] = set()
    skipped, stored = set(hidden), set(kept)
    for name, info in model.model_fields.items():
        extra = _extra(info)
        if name in skipped:
            continue
        made = _field(name, info, extra, values or {}, errors or {}, stored, (choices or {}).get(name))
        if extra.get("late"):
            late.add(extra.get("section", ""))
        if extra.get("advanced"):
            folded.fields.append(made)
        else:
            sections.setdefault(extra.get("section", ""), FormSection(extra.get("section", ""))).fields.append(made)
    # What a model inherits comes first in it; people meet what is particular first.
    ordered = sorted(sections.values(), key=lambda one: one.title in late)
    return [*ordered, *([folded] if folded.fields else [])]


def read_form(model: type[BaseModel], posted: Mapping[str, Any], *, hidden: Iterable[str] = ()) -> dict[str, Any]:
    """Answer what was entered, shaped for the model; secrets that were left empty are left out."""
    found: dict[str, Any] = {}
    skipped = set(hidden)
    for name, info in model.model_fields.items():
        if name in skipped:
            continue
        kind, _ = _kind(info)
        if kind is bool:
            found[name] = name in posted
            continue
        # PostgreSQL knows no NUL in text.
        text = str(posted.get(name, "")).replace("\0", "").replace("\r\n", "\n")[:TEXT_LIMIT]
        if _extra(info).get("secret") and not text.strip():
            continue
        if kind is list:
            found[name] = [line.strip() for line in text.splitlines() if line.strip()]
        elif kind is dict:
            found[name] = _pairs(text)
        else:
            found[name] = text if "lines" in _extra(info) else text.strip()
    return found


def form_errors(error: ValidationError) -> dict[str, str]:
    """Answer a sentence for each field that was refused."""
    found: dict[str, str] = {}
    for item in error.errors(include_url=False):
        name = next((str(part) for part in reversed(item["loc"]) if isinstance(part, str)), "")
        found.setdefault(str(item["loc"][0]) if item["loc"] else name, item["msg"].removeprefix("Value error, "))
    return found


def _field(
    name: str,
    info: FieldInfo,
    extra: Mapping[str, Any],
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    stored: set[str],
    choices: Iterable[tuple[str, str]] | None,
) -> FormField:
    kind, options = _kind(info)
    value = values.get(name, info.get_default(call_default_factory=True) if not info.is_required() else None)
    secret, lines = bool(extra.get("secret")), extra.get("lines")
    shown: Literal["text", "textarea", "number", "select", "checkbox", "password", "url"] = "text"
    if choices is not None:
        shown, options = "select", tuple(choices)
    elif kind is bool:
        shown = "checkbox"
    elif options:
        shown, options = "select", tuple((one, one) for one, _ in options)
    elif kind in (list, dict) or lines:
        shown = "textarea"
    elif secret:
        shown = "password"
    elif kind in (int, float):
        shown = "number"
    text = "" if secret and name in stored and not isinstance(value, str) else _text(value)
    return FormField(
        name=name,
        label=str(extra.get("title") or name.replace("_", " ").capitalize()),
        help=info.description or "",
        kind=shown,
        # What is secret goes in and never comes out.
        value="" if secret else text,
        checked=bool(value) if kind is bool else False,
        options=options,
        required=info.is_required(),
        placeholder=str(extra.get("placeholder", "")),
        rows=int(lines or 3),
        code=str(extra.get("code", "")),
        error=errors.get(name, ""),
        kept=secret and name in stored,
    )


def _extra(info: FieldInfo) -> Mapping[str, Any]:
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def _kind(info: FieldInfo) -> tuple[Any, tuple[tuple[str, str], ...]]:
    annotation: Any = info.annotation
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in {Union, types.UnionType}:
            annotation = next(one for one in get_args(annotation) if one is not type(None))
        elif origin is Literal:
            return str, tuple((str(one), str(one)) for one in get_args(annotation))
        elif origin in (list, tuple):
            return list, ()
        elif origin is dict:
            return dict, ()
        else:
            return annotation, ()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return "\n".join(map(str, value))
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {item}" for key, item in value.items())
    return str(value)


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip():
            found[key.strip()] = value.strip()
    return found
