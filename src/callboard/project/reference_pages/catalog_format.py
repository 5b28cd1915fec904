"""Describe the entity format and every kind from the schemas that entities are checked against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from callboard.core.registry.contract import EntityKind, Relation
from callboard.plugins.catalog.types import formats
from callboard.plugins.catalog.types.kinds import BUILTIN_KINDS, BUILTIN_RELATIONS
from callboard.project.reference_pages import text

_INTRODUCTION = """\
The catalog is filled from YAML files. They are usually called `catalog-info.yaml` and lie beside the code they
describe. One file may hold several entities, separated by `---`. Files written for Backstage work unchanged.
"""

_ENVELOPE = """\
```yaml
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: web-shop
  title: Web shop
  description: What our customers see.
  tags: [python, web]
  links:
    - url: https://shop.example.com
      title: Live
spec:
  type: website
  lifecycle: production
  owner: group:default/shop-team
```

At the root stand `apiVersion`, `kind`, `metadata` and `spec`; anything else there is an error. `relations` and `status`
are added by the portal and ignored on input.
"""

_AFTER_ENVELOPE = """\
Further fields under `metadata` and `spec` are allowed and kept. `metadata.uid` and `metadata.etag` belong to the
portal. Two entities whose kind, namespace and name differ only in case are the same entity.

Messages about a file name the file, the line, the field, what was expected and what was found. `callboard catalog
validate PATH` checks files without registering them.

## Entity references

`[<kind>:][<namespace>/]<name>`, such as `group:default/shop-team` or just `shop-team`. What is left out is taken from
the field: each has a default kind (below), and the namespace is that of the entity it stands in. Where a field has no
default kind, write it: `component:web-shop`. The full, lower-case form is `component:default/web-shop`.

A reference to something that does not exist (yet) is fine: the relation is kept, and the page of the entity says that
the other end is missing.

## Placeholders

An object with exactly one of these keys is replaced by what the file holds. The name is relative to the catalog file,
or an address.

| Key | Gives |
|---|---|
| `$text` | the file as text |
| `$json`, `$yaml` | the parsed file |
| `$openapi`, `$asyncapi` | the definition, with external `$ref`s bundled into it |

```yaml
spec:
  definition:
    $text: ./openapi.yaml
```

## Locations

| Type | Target |
|---|---|
| `file` | a path on the portal's machine: a file, a directory (all catalog files in it), or a pattern with `*` and `**` |
| `url` | the address of a YAML file, as the browser shows it on GitHub, GitLab, Bitbucket, Gitea or Azure DevOps, or the raw one |
| `git` | `<repository>[//<path or pattern>][?ref=<branch, tag or commit>]`; https, ssh and file addresses |

Without a path, a `git` location reads every `catalog-info.yaml` and `catalog-info.yml` of the repository.

## Who may bring what

Without `catalog.rules`, every known kind may come from anywhere, except `User` and `Group`: these decide who owns what,
so they come only from locations that an administrator, the operator (the command line, `catalog.locations`) or a
provider brought. With rules, exactly what they allow is allowed:

```yaml
catalog:
  rules:
    - allow: [Component, API, Resource, System, Domain, Template]
    - allow: [User, Group]
      locations:
        - type: git
          pattern: https://git.example.com/people/**
```

`Location` entities are always allowed; what they lead to is checked itself.

## Well-known annotations

| Annotation | Meaning |
|---|---|
| `backstage.io/managed-by-location` | the file the entity stands in; set by the portal |
| `backstage.io/managed-by-origin-location` | the registration it came through; set by the portal |
| `backstage.io/view-url`, `backstage.io/edit-url`, `backstage.io/source-location` | links to the source; set by the portal unless given |
| `backstage.io/orphan` | `"true"` when nothing declares the entity any longer and `catalog.orphan_strategy` is `keep` |

Other annotations are kept and shown, and can be asked for through the API.
"""


def page() -> str:
    """Answer the page about catalog files."""
    fields = [
        ("`apiVersion`", "yes", f"{formats.API_VERSION}."),
        ("`kind`", "yes", f"{formats.KIND}."),
        ("`metadata.name`", "yes", f"{formats.OBJECT_NAME}."),
        ("`metadata.namespace`", "no (`default`)", f"{formats.NAMESPACE}."),
        ("`metadata.title`", "no", "What people read instead of the name."),
        ("`metadata.description`", "no", "Text."),
        ("`metadata.labels`", "no", f"Keys: {formats.LABEL_KEY}. Values: empty, or {formats.OBJECT_NAME}."),
        ("`metadata.annotations`", "no", "Keys as for labels; values are any text."),
        ("`metadata.tags`", "no", f"A list; each: {formats.TAG}."),
        ("`metadata.links`", "no", "A list of objects with `url` and, if you like, `title`, `icon`, `type`."),
        ("`spec`", "by kind", "What the kind asks for, see below."),
    ]
    own = {item.id for item in (*BUILTIN_KINDS, *BUILTIN_RELATIONS)}
    kinds = [item for _, item in text.bundled(EntityKind) if item.id in own or item.kind]
    relations = [
        (f"`{item.type}`", f"`{item.inverse}`", item.title, item.inverse_title) for _, item in text.bundled(Relation)
    ]
    return text.page(
        "Catalog format",
        _INTRODUCTION,
        "## Entity format",
        _ENVELOPE,
        text.table(("Field", "Required", "Rule"), fields),
        _AFTER_ENVELOPE,
        "## Relations",
        "Every relation is stored in both directions, whichever end declares it.",
        text.table(("Relation", "Inverse", "Reads", "Inverse reads"), relations),
        *(part for kind in sorted(kinds, key=lambda one: one.order) for part in _kind(kind)),
    )


def _kind(kind: EntityKind) -> Iterator[str]:
    yield f'## Kind "{kind.kind}"'
    yield kind.description
    yield f"`apiVersion`: {' or '.join(f'`{version}`' for version in kind.api_versions)}."
    spec: dict[str, Any] = kind.schema["properties"]["spec"]
    required = set(spec.get("required", ()))
    relations = {field.path.removeprefix("spec."): field for field in kind.relation_fields}
    rows = []
    for name, schema in spec["properties"].items():
        field = relations.get(name)
        makes = ""
        if field is not None:
            kinds = " or ".join(field.allowed_kinds) or "any kind"
            default = f", default kind {field.default_kind}" if field.default_kind else ", kind must be given"
            makes = f"`{field.relation}` → {kinds}{default}"
        rows.append((f"`spec.{name}`", "yes" if name in required else "no", _type(schema), makes))
    yield text.table(("Field", "Required", "Type", "Relation"), rows)
    if "if" in spec:
        yield _CONDITIONS.get(kind.kind, "")


_CONDITIONS = {
    "API": "`spec.definition` is required, except for the type `mcp-server`, which may have `spec.remotes` instead.",
}


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(_type({"type": one}) for one in kind)
    if kind == "array":
        return f"list of {_plural(schema.get('items', {}))}"
    if kind == "string":
        return "text, not empty" if schema.get("minLength") else "text"
    return str(kind or "anything")


def _plural(schema: dict[str, Any]) -> str:
    return {"string": "texts", "object": "objects"}.get(str(schema.get("type")), "values")
