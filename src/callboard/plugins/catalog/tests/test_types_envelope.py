"""The envelope of an entity is checked field by field, and every message helps."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.plugins.catalog.types import formats
from callboard.plugins.catalog.types.envelope import MAX_PROBLEMS, check_envelope


def _entity(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "shop", **metadata},
        "spec": {},
    }


def _paths(entity: Any) -> list[str]:
    return [problem.place.path for problem in check_envelope(entity, "file:x")]


def test_a_rich_entity_is_fine() -> None:
    entity = _entity(
        namespace="team--a",
        uid="u",
        etag="e",
        title="Shop",
        description="",
        labels={"backstage.io/tier": "1", "x": ""},
        annotations={"backstage.io/techdocs-ref": "dir:."},
        tags=["c++", "java-17", "a:b"],
        links=[{"url": "https://x.org", "title": "X", "icon": "docs", "type": "t"}, {"url": "mailto:a@b.c"}],
        extra={"any": ["thing"]},
    )
    assert check_envelope(entity | {"relations": [], "status": {"items": "ignored"}}) == []


@pytest.mark.parametrize("root", [None, "text", 3, [], True])
def test_only_an_object_is_an_entity(root: Any) -> None:
    (problem,) = check_envelope(root, "file:x")
    assert problem.code == "not-an-object"
    assert "at the root" in problem.message


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"name": ""}, "metadata.name"), ({"name": None}, "metadata.name"), ({"name": 3}, "metadata.name"),
        ({"name": "a b"}, "metadata.name"), ({"name": "-a"}, "metadata.name"), ({"name": "a\n"}, "metadata.name"),
        ({"name": "a" * 64}, "metadata.name"),
        ({"namespace": "Upper"}, "metadata.namespace"), ({"namespace": ""}, "metadata.namespace"),
        ({"uid": 1}, "metadata.uid"), ({"etag": ""}, "metadata.etag"),
        ({"title": ""}, "metadata.title"), ({"description": 1}, "metadata.description"),
        ({"labels": []}, "metadata.labels"), ({"labels": {"a": True}}, "metadata.labels.a"),
        ({"labels": {"a b": "c"}}, "metadata.labels.a b"), ({"labels": {"a": "b c"}}, "metadata.labels.a"),
        ({"annotations": None}, "metadata.annotations"), ({"annotations": {"a/b/c": ""}}, "metadata.annotations.a/b/c"),
        ({"annotations": {"a": 1}}, "metadata.annotations.a"),
        ({"tags": "java"}, "metadata.tags"), ({"tags": ["ok", "Not Ok"]}, "metadata.tags[1]"),
        ({"tags": [1]}, "metadata.tags[0]"),
        ({"links": {}}, "metadata.links"), ({"links": ["x"]}, "metadata.links[0]"),
        ({"links": [{}]}, "metadata.links[0].url"), ({"links": [{"url": "x"}]}, "metadata.links[0].url"),
        ({"links": [{"url": "https://"}]}, "metadata.links[0].url"),
        ({"links": [{"url": "https://[x"}]}, "metadata.links[0].url"),
        ({"links": [{"url": "java\tscript:x"}]}, "metadata.links[0].url"),
        ({"links": [{"url": "https://x.org", "title": ""}]}, "metadata.links[0].title"),
        ({"links": [{"url": "https://x.org", "icon": "a b"}]}, "metadata.links[0].icon"),
        ({"links": [{"url": "https://x.org", "type": 1}]}, "metadata.links[0].type"),
    ],
)  # fmt: skip
def test_a_wrong_field_of_the_metadata_is_named(metadata: dict[str, Any], path: str) -> None:
    (problem,) = check_envelope(_entity(**metadata), "file:x")
    assert problem.place.path == path
    assert problem.place.url == "file:x"
    assert f'"{path}"' in problem.message
    assert "expected" in problem.message
    assert problem.remedy


def test_what_is_missing_is_named() -> None:
    assert _paths({}) == ["apiVersion", "kind", "metadata"]
    assert _paths({"apiVersion": "v1", "kind": "K", "metadata": {}}) == ["metadata.name"]
    assert _paths({"apiVersion": 1, "kind": "", "metadata": [], "spec": []}) == [
        "apiVersion",
        "kind",
        "spec",
        "metadata",
    ]


def test_problems_come_in_the_order_of_the_rules() -> None:
    entity = _entity(title="", namespace="Bad") | {"owner": "x", "kind": "no good"}
    assert _paths(entity) == ["metadata.title", "owner", "kind", "metadata.namespace"]


def test_a_foreign_field_is_told_where_it_belongs() -> None:
    (problem,) = check_envelope(_entity() | {"labels": {}})
    assert 'Unknown field "labels"' in problem.message
    assert "metadata.labels" in problem.remedy
    (problem,) = check_envelope(_entity() | {"specs": {}})
    assert problem.remedy == 'Did you mean "spec"?'


def test_a_tag_is_told_how_to_be_written() -> None:
    (problem,) = check_envelope(_entity(tags=["Big_Data"]))
    assert '"big-data"' in problem.remedy


def _nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("extra", ["a\0b", {"a\0": 1}, "\ud800", {1: 2}, object(), _nested(5000)])
def test_what_cannot_be_stored_is_refused(extra: Any) -> None:
    (problem,) = check_envelope(_entity(extra=extra))
    assert problem.code == "not-storable"


def test_an_escaped_backslash_is_no_null_character() -> None:
    assert check_envelope(_entity(description="\\u0000")) == []
    assert check_envelope(_entity(big=2**70)) == []


def test_a_thousand_mistakes_are_not_listed_one_by_one() -> None:
    assert len(check_envelope(_entity(tags=["A B"] * 1000))) == MAX_PROBLEMS


@pytest.mark.parametrize("text", ["v1", "backstage.io/v1alpha1", "a.b-c.d/V2"])
def test_good_api_versions(text: str) -> None:
    assert formats.is_api_version(text)


@pytest.mark.parametrize(
    "text", ["", "/v1", "a/", "a/b/v1", "A.io/v1", "v-1", "a..b/v1", "v" * 64, "a." * 200 + "b/v1"]
)
def test_bad_api_versions(text: str) -> None:
    assert not formats.is_api_version(text)


@given(st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", fullmatch=True))
def test_every_object_name_is_a_label_value(text: str) -> None:
    assert formats.is_object_name(text)
    assert check_envelope(_entity(labels={text: text})) == []


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_any_object_is_checked_without_failing(entity: dict[str, Any]) -> None:
    assert all(problem.message and problem.remedy for problem in check_envelope(entity))
