"""Predicates mean what they say, and agree with filters where both can say it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.plugins.catalog.tests.test_types_queries import ENTITY, terms_of_the_entity
from callboard.plugins.catalog.types.filters import filter_matches, parse_filters
from callboard.plugins.catalog.types.predicates import (
    All,
    Any_,
    Contains,
    Equals,
    Exists,
    HasPrefix,
    In,
    Match,
    Not,
    Predicate,
    PredicateError,
    matches,
    parse_predicate,
    predicate_to_json,
)


def test_a_predicate_becomes_a_tree() -> None:
    assert parse_predicate(
        {"$all": [{"kind": "Component", "spec.replicas": 3}, {"$not": {"spec.type": {"$in": ["A", "a", 1]}}}]}
    ) == All(
        (
            All((Match("kind", Equals("component")), Match("spec.replicas", Equals("3")))),
            Not(Match("spec.type", In(("a", "1")))),
        )
    )
    assert parse_predicate({"a": {"$contains": {"$any": ["X", {"b": {"$exists": False}}]}}}) == Match(
        "a", Contains(Any_((Match("", Equals("x")), Match("b", Exists(False)))))
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("text", "path"), (None, "object"), ([], "object"),
        ({"$all": [], "kind": "a"}, "stand alone"), ({"$any": [], "$not": {}}, "stand alone"),
        ({"$all": {}}, "list"), ({"$al": []}, '"\\$all"'), ({"a": {"$exist": True}}, '"\\$exists"'),
        ({"a": {"$exists": "yes"}}, "true or false"), ({"a": {"$in": "x"}}, "list"), ({"a": {"$in": [None]}}, "null"),
        ({"a": {"$in": [["x"]]}}, "list"), ({"a": {"$hasPrefix": 3}}, "string"), ({"a": None}, "exists"),
        ({"a": []}, "in"), ({"a": {}}, "exactly one"), ({"a": {"$in": [], "$exists": True}}, "exactly one"),
        ({"a": {"b": 1}}, "unknown operator"), ({"": 1}, "empty"), ({"a": "\0"}, "null character"),
        ({"$exists": True}, "needs a path"), ({"$all": ["x"]}, "path"),
    ],
)  # fmt: skip
def test_a_bad_predicate_says_what_is_wrong(data: Any, words: str) -> None:
    with pytest.raises(PredicateError, match=words):
        parse_predicate(data)


def test_a_predicate_of_a_stranger_stays_small() -> None:
    deep: Any = {"a": 1}
    for _ in range(100):
        deep = {"$not": deep}
    for data in (deep, {"$any": [{"a": 1}] * 1000}, {"a": {"$in": list(range(10_001))}}):
        with pytest.raises(PredicateError, match="more than"):
            parse_predicate(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, True), ({"$all": []}, True), ({"$any": []}, False), ({"$not": {"$any": []}}, True),
        ({"kind": "COMPONENT"}, True), ({"Kind": "component", "spec.type": "library"}, False),
        ({"spec.replicas": "3"}, True), ({"spec.replicas": 3.0}, True), ({"spec.public": "TRUE"}, True),
        ({"spec.none": "null"}, False), ({"spec.none": {"$exists": True}}, True),
        ({"spec.missing": {"$exists": False}}, True), ({"spec.missing": {"$exists": True}}, False),
        ({"metadata.annotations.backstage.io/orphan": "true"}, True), ({"metadata.namespace": "default"}, True),
        ({"metadata.tags": "JAVA"}, True), ({"metadata.tags.java": True}, True), ({"metadata.tags": "go"}, False),
        ({"metadata.tags": {"$contains": "java"}}, True), ({"metadata.tags": {"$contains": {"$not": "java"}}}, True),
        ({"metadata.tags": {"$contains": {"$hasPrefix": "we"}}}, True), ({"kind": {"$contains": "component"}}, False),
        ({"metadata.links": {"$contains": {"url": "https://b", "title": "b"}}}, True),
        ({"metadata.links": {"$contains": {"url": "https://a", "title": "b"}}}, False),
        ({"metadata.links.url": "https://b"}, True), ({"spec.type": {"$in": ["service", "x"]}}, True),
        ({"spec.type": {"$in": []}}, False), ({"spec.type": {"$hasPrefix": "SER"}}, True),
        ({"spec.type": {"$hasPrefix": "vice"}}, False), ({"relations.ownedBy": "group:default/TEAM-a"}, True),
        ({"relations": {"$contains": {"type": "ownedBy"}}}, True), ({"relations.partOf": {"$exists": False}}, True),
    ],
)  # fmt: skip
def test_predicates_mean_what_they_say(data: Any, expected: bool) -> None:
    assert matches(parse_predicate(data), ENTITY) is expected


_VALUES = st.sampled_from(["component", "api", "service", "java", "x", "true", "3"])
_PATHS = st.sampled_from(
    ["kind", "spec.type", "metadata.tags", "metadata.tags.java", "spec.replicas", "spec.none", "a.b"]
)
_TESTS = st.one_of(
    _VALUES.map(Equals),
    st.booleans().map(Exists),
    st.lists(_VALUES, max_size=3, unique=True).map(lambda values: In(tuple(values))),
    _VALUES.map(HasPrefix),
    _VALUES.map(lambda value: Contains(Match("", Equals(value)))),
)
_PREDICATES: st.SearchStrategy[Predicate] = st.recursive(
    st.builds(Match, _PATHS, _TESTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: All(tuple(items))),
        st.lists(inner, max_size=3).map(lambda items: Any_(tuple(items))),
        inner.map(Not),
    ),
    max_leaves=8,
)


@given(_PREDICATES)
def test_every_predicate_survives_being_written_and_read(predicate: Predicate) -> None:
    assert parse_predicate(json.loads(json.dumps(predicate_to_json(predicate)))) == predicate


@given(_PREDICATES, _PREDICATES)
def test_the_laws_of_logic_hold(one: Predicate, two: Predicate) -> None:
    def holds(predicate: Predicate) -> bool:
        return matches(predicate, ENTITY)

    assert holds(Not(Not(one))) is holds(one)
    assert holds(Not(All((one, two)))) is holds(Any_((Not(one), Not(two))))
    assert holds(Any_((one, two))) is (holds(one) or holds(two))
    assert holds(All((one, two))) is holds(All((two, one)))


@given(_PATHS, _VALUES)
def test_an_equality_means_the_same_as_a_filter(path: str, value: str) -> None:
    by_filter = filter_matches(parse_filters([f"{path}={value}"]), terms_of_the_entity())
    assert matches(Match(path, Equals(value)), ENTITY) is by_filter
