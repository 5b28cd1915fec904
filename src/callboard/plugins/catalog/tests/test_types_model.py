"""Kinds are checked by their schemas, and their fields become relations."""

from typing import Any

import pytest

from callboard.plugins.catalog.types.kinds import BUILTIN_KINDS, BUILTIN_RELATIONS
from callboard.plugins.catalog.types.model import CatalogModel, RelationEdge
from callboard.sdk.contributions import EntityKind, Relation, RelationField

MODEL = CatalogModel(BUILTIN_KINDS, BUILTIN_RELATIONS)
_VERSIONS = {"Template": "scaffolder.backstage.io/v1beta3"}


def _entity(kind: str, spec: Any = None, name: str = "x", **metadata: Any) -> dict[str, Any]:
    entity = {
        "apiVersion": _VERSIONS.get(kind, "backstage.io/v1alpha1"),
        "kind": kind,
        "metadata": {"name": name, **metadata},
    }
    return entity if spec is None else entity | {"spec": spec}


def _codes(entity: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((problem.code, problem.place.path) for problem in MODEL.check(entity, "file:x"))


_COMPONENT = {"type": "service", "lifecycle": "production", "owner": "team"}


def test_the_builtin_model_is_whole() -> None:
    assert MODEL.problems == ()
    assert MODEL.kinds == BUILTIN_KINDS
    assert len({kind.id for kind in BUILTIN_KINDS}) == len(BUILTIN_KINDS)
    assert MODEL.inverse_of("memberOf") == "hasMember"
    assert MODEL.inverse_of("hasMember") == "memberOf"
    assert MODEL.kind_named("component") is MODEL.kind_of(_entity("Component"))


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Component", _COMPONENT | {"dependsOn": ["resource:db"], "anything": {"else": 1}}),
        ("API", _COMPONENT | {"definition": "openapi: 3.1.0"}),
        ("API", _COMPONENT | {"type": "mcp-server", "remotes": [{"type": "sse", "url": "https://x"}]}),
        ("API", _COMPONENT | {"type": "mcp-server", "definition": "old"}),
        ("Resource", {"type": "database", "owner": "team"}),
        ("System", {"owner": "team", "domain": "d", "type": "product"}),
        ("Domain", {"owner": "team", "subdomainOf": "d"}),
        ("Group", {"type": "team", "children": [], "profile": {"email": "a@b.c"}, "members": ["u"]}),
        ("User", {"memberOf": []}),
        ("User", {"profile": {"displayName": "U"}}),
        ("Location", {}),
        ("Location", {"targets": ["./a.yaml"], "presence": "optional"}),
        ("Template", {"type": "service", "steps": []}),
        ("Template", {"type": "s", "parameters": [{"title": "A"}], "steps": [{"action": "debug:log", "if": True}]}),
        ("AiResource", _COMPONENT | {"type": "skill", "disciplines": ["qa"], "agents": ["a"]}),
    ],
)  # fmt: skip
def test_good_entities_pass(kind: str, spec: dict[str, Any]) -> None:
    assert _codes(_entity(kind, spec)) == []


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Component", None, [("missing-field", "spec")]),
        ("Component", {}, [("missing-field", f"spec.{name}") for name in ("lifecycle", "owner", "type")]),
        ("Component", _COMPONENT | {"owner": ""}, [("schema", "spec.owner")]),
        ("Component", _COMPONENT | {"system": None}, [("schema", "spec.system")]),
        ("Component", _COMPONENT | {"providesApis": "a"}, [("schema", "spec.providesApis")]),
        ("Component", _COMPONENT | {"consumesApis": ["a", 3, ""]}, [("schema", "spec.consumesApis[1]"), ("schema", "spec.consumesApis[2]")]),
        ("API", _COMPONENT, [("missing-field", "spec.definition")]),
        ("API", _COMPONENT | {"type": "mcp-server"}, [("missing-field", "spec")]),
        ("API", _COMPONENT | {"type": "mcp-server", "remotes": [{"url": "x"}]}, [("missing-field", "spec.remotes[0].type")]),
        ("Group", {"type": "team"}, [("missing-field", "spec.children")]),
        ("User", {"memberOf": "team"}, [("schema", "spec.memberOf")]),
        ("Location", {"presence": "maybe"}, [("schema", "spec.presence")]),
        ("Template", {"type": "s", "steps": [{"id": "a"}]}, [("missing-field", "spec.steps[0].action")]),
        ("Template", {"type": "s", "steps": [], "parameters": ["a"]}, [("schema", "spec.parameters[0]")]),
        ("Resource", [], [("schema", "spec")]),
    ],
)  # fmt: skip
def test_bad_entities_are_told_where(kind: str, spec: Any, expected: list[tuple[str, str]]) -> None:
    assert _codes(_entity(kind, spec)) == expected


def test_messages_are_made_for_people() -> None:
    (problem,) = MODEL.check(_entity("Component", _COMPONENT | {"owner": 3}), "file:x")
    assert problem.message == '"spec.owner" is not valid; expected a string, got the number 3.'
    assert "quotes" in problem.remedy
    (problem,) = MODEL.check(_entity("Component", {"type": "a", "owner": "b", "lifecyle": "c"}))
    assert 'Did you write "lifecyle" instead?' in problem.remedy
    (problem,) = MODEL.check(_entity("Location", {"presence": "optinal"}))
    assert problem.remedy == 'Did you mean "optional"?'
    (problem,) = MODEL.check(_entity("API", _COMPONENT | {"definition": ["x" * 100_000]}))
    assert len(problem.message) < 500


def test_an_unknown_kind_or_version_names_the_nearest() -> None:
    (problem,) = MODEL.check(_entity("component"))
    assert (problem.code, problem.remedy) == ("unknown-kind", 'Did you mean "Component"?')
    (problem,) = MODEL.check(_entity("Component") | {"apiVersion": "backstage.io/v1alpha"})
    assert problem.code == "unknown-api-version"
    assert "v1alpha1" in problem.remedy
    assert MODEL.relations_of(_entity("Alien")) == ([], [])


def _edges(entity: dict[str, Any]) -> list[tuple[str, str, str]]:
    edges, problems = MODEL.relations_of(entity, "file:x")
    assert [problem for problem in problems if problem.severity == "error"] == []
    return [tuple(edge) for edge in edges]


def _pair(source: str, relation: str, target: str) -> list[tuple[str, str, str]]:
    return [(source, relation, target), (target, MODEL.inverse_of(relation) or "", source)]


_X = {"Component": "component:default/x", "Group": "group:default/x"}


@pytest.mark.parametrize(
    ("kind", "field", "value", "relation", "target"),
    [
        ("Component", "owner", "Team-A", "ownedBy", "group:default/team-a"),
        ("API", "owner", "user:u", "ownedBy", "user:default/u"),
        ("Resource", "owner", "o", "ownedBy", "group:default/o"),
        ("System", "owner", "o", "ownedBy", "group:default/o"),
        ("Domain", "owner", "o", "ownedBy", "group:default/o"),
        ("Template", "owner", "o", "ownedBy", "group:default/o"),
        ("AiResource", "owner", "o", "ownedBy", "group:default/o"),
        ("Component", "providesApis", ["a"], "providesApi", "api:default/a"),
        ("Component", "consumesApis", ["a"], "consumesApi", "api:default/a"),
        ("Component", "dependsOn", ["resource:r"], "dependsOn", "resource:default/r"),
        ("Resource", "dependsOn", ["component:c"], "dependsOn", "component:default/c"),
        ("AiResource", "dependsOn", ["component:c"], "dependsOn", "component:default/c"),
        ("Component", "dependencyOf", ["component:c"], "dependencyOf", "component:default/c"),
        ("Resource", "dependencyOf", ["component:c"], "dependencyOf", "component:default/c"),
        ("Component", "subcomponentOf", "c", "partOf", "component:default/c"),
        ("Component", "system", "s", "partOf", "system:default/s"),
        ("API", "system", "s", "partOf", "system:default/s"),
        ("Resource", "system", "s", "partOf", "system:default/s"),
        ("AiResource", "system", "s", "partOf", "system:default/s"),
        ("System", "domain", "d", "partOf", "domain:default/d"),
        ("Domain", "subdomainOf", "d", "partOf", "domain:default/d"),
        ("Group", "parent", "g", "childOf", "group:default/g"),
        ("Group", "children", ["g"], "parentOf", "group:default/g"),
        ("Group", "members", ["u"], "hasMember", "user:default/u"),
        ("User", "memberOf", ["g"], "memberOf", "group:default/g"),
    ],
)  # fmt: skip
def test_every_field_makes_its_relation_in_both_directions(
    kind: str, field: str, value: Any, relation: str, target: str
) -> None:
    source = f"{kind.lower()}:default/x"
    assert _edges(_entity(kind, {field: value})) == sorted(_pair(source, relation, target))


def test_refs_live_in_the_namespace_of_their_entity_and_lose_their_case() -> None:
    entity = _entity("Component", {"owner": "T", "providesApis": ["other/A"]}, name="Shop", namespace="core")
    assert _edges(entity) == sorted(
        _pair("component:core/shop", "ownedBy", "group:core/t")
        + _pair("component:core/shop", "providesApi", "api:other/a")
    )


def test_relations_come_once_and_sorted() -> None:
    entity = _entity("Component", {"dependsOn": ["component:b", "component:a", "Component:default/B"]})
    edges = MODEL.relations_of(entity)[0]
    assert edges == sorted(set(edges))
    assert len(edges) == 4
    assert RelationEdge("component:default/x", "dependsOn", "component:default/b") in edges


def test_a_ref_that_needs_a_kind_but_has_none_is_an_error_and_the_rest_is_kept() -> None:
    entity = _entity("Component", _COMPONENT | {"dependsOn": ["db", "resource:db"]})
    edges, problems = MODEL.relations_of(entity, "file:x")
    assert len(edges) == 4
    (problem,) = problems
    assert (problem.code, problem.severity, problem.place.path) == (
        "invalid-ref",
        "error",
        "spec.dependsOn[0]",
    )


def test_a_ref_to_a_kind_that_does_not_fit_is_kept_with_a_warning() -> None:
    edges, problems = MODEL.relations_of(_entity("Component", {"system": "domain:d"}))
    assert [tuple(edge) for edge in edges] == sorted(_pair("component:default/x", "partOf", "domain:default/d"))
    assert [(problem.code, problem.severity) for problem in problems] == [("unexpected-kind", "warning")]


def test_fields_of_the_wrong_type_make_no_relations() -> None:
    assert MODEL.relations_of(_entity("User")) == ([], [])
    assert MODEL.relations_of(_entity("User", {"memberOf": [3, None, ""]})) == ([], [])
    assert MODEL.relations_of(_entity("User", "text")) == ([], [])


def _kind(**changes: Any) -> EntityKind:
    values: dict[str, Any] = {
        "id": "x.robot", "kind": "Robot", "plural": "Robots", "api_versions": ("x.org/v1",), "schema": {"type": "object"},
    }  # fmt: skip
    return EntityKind(**(values | changes))


def test_a_contributed_kind_works_like_a_builtin_one() -> None:
    field = RelationField(path="spec.parts.maker", relation="madeBy", default_kind="Group")
    relation = Relation(id="x.made", type="madeBy", inverse="makes", inverse_title="Makes")
    model = CatalogModel((*BUILTIN_KINDS, _kind(relation_fields=(field,))), (*BUILTIN_RELATIONS, relation))
    entity = _entity("Robot", {"parts": [{"maker": "a"}, {"maker": "b"}]}) | {"apiVersion": "x.org/v1"}
    assert model.check(entity) == []
    assert [edge.type for edge in model.relations_of(entity)[0]] == ["makes", "makes", "madeBy", "madeBy"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"schema": {"type": "nonsense"}}, "broken-schema"),
        ({"schema": {"$ref": "http://127.0.0.1:9/schema.json"}}, "broken-schema"),
        ({"kind": "API", "api_versions": ("backstage.io/v1alpha1",)}, "duplicate-kind"),
        ({"relation_fields": (RelationField(path="spec.a", relation="ownedby", default_kind=None),)}, "unknown-relation"),
    ],
)  # fmt: skip
def test_a_broken_contribution_is_left_out_alone(changes: dict[str, Any], code: str) -> None:
    model = CatalogModel((*BUILTIN_KINDS, _kind(**changes)), BUILTIN_RELATIONS)
    assert [problem.code for problem in model.problems] == [code]
    assert model.kinds == BUILTIN_KINDS
    assert model.check(_entity("Component", _COMPONENT)) == []
