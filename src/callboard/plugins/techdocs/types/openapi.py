"""Write an OpenAPI description as Markdown pages, so that it reads like the rest of the documentation."""

from __future__ import annotations

import json
import re
from typing import Any

from callboard.plugins.techdocs.types.mkdocs import ConfigRefusedError, measure

_MOST_NODES = 1_000_000
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_MOST_OPERATIONS = 2000


def openapi_pages(description: dict[str, Any]) -> dict[str, str]:
    """Answer pages by file name: an overview, one page a tag with its operations, and the schemas."""
    info = _mapping(description.get("info"))
    title = _line(info.get("title") or "API")
    groups: dict[str, list[str]] = {}
    rows: list[str] = []
    count = 0
    for path, item in _mapping(description.get("paths")).items():
        for method in _METHODS:
            operation = _mapping(item).get(method)
            if not isinstance(operation, dict) or count >= _MOST_OPERATIONS:
                continue
            count += 1
            tags = operation.get("tags")
            tag = _line(tags[0]) if isinstance(tags, list) and tags else "Operations"
            groups.setdefault(tag, []).append(_operation(str(path), method, operation, _mapping(item)))
            summary = _line(operation.get("summary") or operation.get("operationId") or "")
            rows.append(
                f"| `{method.upper()}` | [`{_cell(path)}`]({_slug(tag)}.md#{_anchor(method, path)}) "
                f"| {_cell(summary)} |"
            )
    pages = {"index.md": _overview(title, info, description, rows)}
    for tag, operations in groups.items():
        about = next((_line(t.get("description")) for t in _list(description.get("tags")) if t.get("name") == tag), "")
        pages[f"{_slug(tag)}.md"] = "\n\n".join([f"# {tag}", *([about] if about else []), *operations]) + "\n"
    schemas = _mapping(_mapping(description.get("components")).get("schemas")) or _mapping(
        description.get("definitions")
    )
    if schemas:
        parts = [_schema(str(name), schema) for name, schema in schemas.items() if isinstance(schema, dict)]
        pages["schemas.md"] = "\n\n".join(["# Schemas", *parts]) + "\n"
    return pages


def _overview(title: str, info: dict[str, Any], description: dict[str, Any], rows: list[str]) -> str:
    parts = [f"# {title}"]
    if info.get("version"):
        parts.append(f"Version `{_line(info['version'])}`")
    if info.get("description"):
        parts.append(str(info["description"]))
    servers = [
        f"- `{_line(s.get('url'))}` {_line(s.get('description') or '')}" for s in _list(description.get("servers"))
    ]
    if servers:
        parts.append("## Servers\n\n" + "\n".join(servers))
    if rows:
        parts.append("## Operations\n\n| Method | Path | What it does |\n|---|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _operation(path: str, method: str, operation: dict[str, Any], item: dict[str, Any]) -> str:
    head = _line(operation.get("summary") or f"{method.upper()} {path}")
    parts = [f"## {head} {{: #{_anchor(method, path)} }}", f"```http\n{method.upper()} {path}\n```"]
    if operation.get("deprecated"):
        parts.append('!!! warning "Deprecated"\n    This operation is going away.')
    if operation.get("description"):
        parts.append(str(operation["description"]))
    parameters = [p for p in [*_list(item.get("parameters")), *_list(operation.get("parameters"))] if p.get("name")]
    if parameters:
        table = ["| Parameter | In | Type | Description |", "|---|---|---|---|"]
        table += [
            f"| `{_cell(p['name'])}`{' *required*' if p.get('required') else ''} | {_cell(p.get('in'))} "
            f"| {_cell(_type(_mapping(p.get('schema')) or p))} | {_cell(p.get('description') or '')} |"
            for p in parameters
        ]
        parts.append("\n".join(table))
    body = _mapping(_mapping(operation.get("requestBody")).get("content"))
    for kind, media in body.items():
        parts.append(f"**Body** (`{_line(kind)}`): {_type(_mapping(_mapping(media).get('schema')))}")
    answers = _mapping(operation.get("responses"))
    if answers:
        table = ["| Status | Meaning | Body |", "|---|---|---|"]
        for status, answer in answers.items():
            content = _mapping(_mapping(answer).get("content"))
            bodies = ", ".join(_type(_mapping(_mapping(media).get("schema"))) for media in content.values())
            table.append(
                f"| `{_cell(status)}` | {_cell(_mapping(answer).get('description') or '')} | {_cell(bodies)} |"
            )
        parts.append("\n".join(table))
    return "\n\n".join(parts)


def _schema(name: str, schema: dict[str, Any]) -> str:
    parts = [f"## {_line(name)} {{: #{_slug(name)} }}"]
    if schema.get("description"):
        parts.append(str(schema["description"]))
    properties = _mapping(schema.get("properties"))
    if properties:
        named = schema.get("required")
        required: list[Any] = named if isinstance(named, list) else []
        table = ["| Field | Type | Description |", "|---|---|---|"]
        table += [
            f"| `{_cell(key)}`{' *required*' if key in required else ''} | {_cell(_type(_mapping(value)))} "
            f"| {_cell(_mapping(value).get('description') or '')} |"
            for key, value in properties.items()
        ]
        parts.append("\n".join(table))
    elif schema.get("enum"):
        parts.append("One of " + ", ".join(f"`{_line(item)}`" for item in schema["enum"]) + ".")
    else:
        parts.append(f"```json\n{json.dumps(schema, indent=2, default=str)[:4000]}\n```")
    return "\n\n".join(parts)


def _type(schema: dict[str, Any]) -> str:
    ref = str(schema.get("$ref") or "")
    if ref:
        name = ref.rpartition("/")[2]
        return (
            f"[{_line(name)}](schemas.md#{_slug(name)})"
            if "/schemas/" in ref or "/definitions/" in ref
            else f"`{_line(ref)}`"
        )
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_type(_mapping(schema.get('items')))}"
    for key in ("oneOf", "anyOf", "allOf"):
        if schema.get(key):
            return " or ".join(_type(one) for one in _list(schema[key])[:6])
    text = " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind or "any")
    return f"{text} ({_line(schema['format'])})" if schema.get("format") else text


def _anchor(method: str, path: Any) -> str:
    return f"{method}-{_slug(str(path))}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "root"


def _line(value: Any) -> str:
    return re.sub(r"\s+", " ", str(value)).strip()


def _cell(value: Any) -> str:
    return _line(value).replace("|", "\\|")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def parse_openapi(text: str) -> dict[str, Any] | None:
    """Read an OpenAPI or Swagger document in YAML or JSON, or answer nothing when it is none."""
    import yaml  # noqa: PLC0415 - only here

    try:
        value = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=_loader())  # noqa: S506
    except (ValueError, yaml.YAMLError, RecursionError):
        return None
    if not isinstance(value, dict) or not ({"openapi", "swagger"} & value.keys()):
        return None
    try:
        measure(value, _MOST_NODES, 60)
    except ConfigRefusedError:
        return None
    return value


def _loader() -> Any:
    import yaml  # noqa: PLC0415 - only here

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
