"""Put all kinds and relations of the portal together: check entities against them, derive relations.

Schemas are compiled once, when the model is made; checking an entity then takes microseconds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jsonschema_rs

from callboard.lib.nearest import did_you_mean
from callboard.lib.problems import Place, Problem
from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.catalog.types.schema_words import problems_of
from callboard.sdk.contributions import EntityKind, Relation, RelationField


class RelationEdge(NamedTuple):
    """One direction of a relation between two canonical refs."""

    source: str
    type: str
    target: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    kind: EntityKind
    validator: jsonschema_rs.Draft202012Validator
    fields: tuple[tuple[RelationField, tuple[str, ...]], ...]


class CatalogModel:
    """What the catalog knows of kinds and relations.

    A contributed kind whose schema is broken, or that another plugin has claimed already, is left out and
    reported in ``problems``; the others work on.
    """

    def __init__(self, kinds: Iterable[EntityKind], relations: Iterable[Relation]) -> None:
        self.relations: tuple[Relation, ...] = tuple(relations)
        self._inverse: dict[str, str] = {}
        for relation in self.relations:
            self._inverse.setdefault(relation.type, relation.inverse)
            self._inverse.setdefault(relation.inverse, relation.type)
        self._compiled: dict[str, dict[str, _Compiled]] = {}
        problems: list[Problem] = []
        accepted: list[EntityKind] = []
        for kind in kinds:
            found = list(self._add(kind))
            problems.extend(found)
            if not found:
                accepted.append(kind)
        self.kinds: tuple[EntityKind, ...] = tuple(accepted)
        self.problems: tuple[Problem, ...] = tuple(problems)

    def _add(self, kind: EntityKind) -> Iterator[Problem]:
        place = Place(path=kind.id)
        versions = self._compiled.setdefault(kind.kind, {})
        for version in kind.api_versions:
            if version in versions:
                yield Problem(
                    "duplicate-kind",
                    f'Kind "{kind.kind}" in version {version} comes from both '
                    f'"{versions[version].kind.id}" and "{kind.id}".',
                    "Switch one of the two plugins off; the first one is used.",
                    place,
                )
                return
        unknown = [field.relation for field in kind.relation_fields if field.relation not in self._inverse]
        if unknown:
            yield Problem(
                "unknown-relation",
                f'Kind "{kind.kind}" uses the relation "{unknown[0]}", which nobody declares.',
                did_you_mean(unknown[0], self._inverse) or "Contribute a Relation of that type.",
                place,
            )
            return
        try:
            # Offline, so that a schema can never make the portal call out.
            validator = jsonschema_rs.Draft202012Validator(dict(kind.schema), validate_formats=False, offline=True)
        except (ValueError, TypeError) as error:
            yield Problem(
                "broken-schema",
                f'The schema of kind "{kind.kind}" is not valid: {str(error).splitlines()[0][:300]}.',
                "Correct the schema in the plugin that contributes the kind.",
                place,
            )
            return
        fields = tuple((field, tuple(field.path.split("."))) for field in kind.relation_fields)
        versions.update(dict.fromkeys(kind.api_versions, _Compiled(kind, validator, fields)))

    # --- looking up -----------------------------------------------------------

    def kind_of(self, entity: Mapping[str, Any]) -> EntityKind | None:
        """Answer the kind an entity is of, by ``kind`` and ``apiVersion``."""
        compiled = self._find(entity)
        return compiled.kind if compiled else None

    def kind_named(self, name: str) -> EntityKind | None:
        """Answer a kind by its name, in any case and version."""
        lowered = name.lower()
        return next((kind for kind in self.kinds if kind.kind.lower() == lowered), None)

    def inverse_of(self, relation_type: str) -> str | None:
        """Answer what a relation is called from its other end."""
        return self._inverse.get(relation_type)

    def _find(self, entity: Mapping[str, Any]) -> _Compiled | None:
        kind, version = entity.get("kind"), entity.get("apiVersion")
        if not isinstance(kind, str) or not isinstance(version, str):
            return None
        return self._compiled.get(kind, {}).get(version)

    # --- checking -------------------------------------------------------------

    def check(self, entity: Mapping[str, Any], url: str = "") -> list[Problem]:
        """Answer what is wrong with an entity for its kind. Its envelope must have been checked before."""
        compiled = self._find(entity)
        if compiled is None:
            return [self._unknown(entity, url)]
        try:
            if compiled.validator.is_valid(entity):
                return []
            errors = compiled.validator.iter_errors(entity)
            return list(problems_of(errors, entity, compiled.kind.kind, url))
        except ValueError as error:
            return [
                Problem(
                    "schema",
                    f"The entity cannot be checked: {str(error).splitlines()[0][:300]}.",
                    "Flatten it, or leave out what JSON cannot hold.",
                    Place(url),
                )
            ]

    def _unknown(self, entity: Mapping[str, Any], url: str) -> Problem:
        kind, version = str(entity.get("kind")), str(entity.get("apiVersion"))
        versions = self._compiled.get(kind)
        if versions:
            known = ", ".join(versions)
            return Problem(
                "unknown-api-version",
                f'Kind "{kind}" is not known in apiVersion "{version[:100]}"; expected {known}.',
                did_you_mean(version, versions) or f"Set apiVersion to {next(iter(versions))}.",
                Place(url, path="apiVersion"),
            )
        names = [kind.kind for kind in self.kinds]
        return Problem(
            "unknown-kind",
            f'No kind "{kind[:100]}" is known here.',
            did_you_mean(kind, names) or f"Use one of {', '.join(names)}, or switch on the plugin that adds this kind.",
            Place(url, path="kind"),
        )

    # --- relations ------------------------------------------------------------

    def relations_of(self, entity: Mapping[str, Any], url: str = "") -> tuple[list[RelationEdge], list[Problem]]:
        """Derive all relations an entity declares: both directions of each, unique and sorted.

        A ref that cannot be read gives an error and makes no relation. A ref to a kind the field is not
        meant for gives a warning and is kept, as is one to an entity that does not exist.
        """
        compiled = self._find(entity)
        if compiled is None or not compiled.fields:
            return [], []
        own = EntityRef.of(entity)
        source = str(own)
        edges: set[RelationEdge] = set()
        problems: list[Problem] = []
        for field, steps in compiled.fields:
            for path, text in _texts(entity, steps):
                try:
                    target = EntityRef.parse(text, field.default_kind, own.namespace)
                except RefError as error:
                    problems.append(
                        Problem(
                            "invalid-ref",
                            f'"{path}" is not valid; {str(error)[0].lower()}{str(error)[1:]}.',
                            _ref_remedy(field),
                            Place(url, path=path),
                        )
                    )
                    continue
                if field.allowed_kinds and not any(target.kind.lower() == kind.lower() for kind in field.allowed_kinds):
                    problems.append(
                        Problem(
                            "unexpected-kind",
                            f'"{path}" points to the kind "{target.kind[:100]}"; '
                            f"expected {' or '.join(field.allowed_kinds)}.",
                            "Point it to an entity of that kind. The relation is kept as it is.",
                            Place(url, path=path),
                            "warning",
                        )
                    )
                to = str(target)
                edges.add(RelationEdge(source, field.relation, to))
                edges.add(RelationEdge(to, self._inverse[field.relation], source))
        return sorted(edges), problems


def _ref_remedy(field: RelationField) -> str:
    example = (field.allowed_kinds[0] if field.allowed_kinds else field.default_kind or "Component").lower()
    return f"Write it as {example}:<name> or {example}:<namespace>/<name>."


def _texts(value: Any, steps: tuple[str, ...], path: str = "") -> Iterator[tuple[str, str]]:
    """Find the strings a field holds, with the path of each; wrong types are the schema's business."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, steps, f"{path}[{index}]")
    elif steps:
        if isinstance(value, Mapping) and steps[0] in value:
            step = steps[0]
            yield from _texts(value[step], steps[1:], f"{path}.{step}" if path else step)
    elif isinstance(value, str) and value:
        yield path, value
