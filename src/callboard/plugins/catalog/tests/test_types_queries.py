"""Filters, fields, order, search values and cursors keep to their grammar."""

import base64
import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.lib.problems import ProblemError
from callboard.plugins.catalog.types.cursors import (
    AfterCursor,
    CursorError,
    FullTextFilter,
    QueryCursor,
    decode_after,
    decode_query,
    encode,
    encode_after,
    encode_query,
)
from callboard.plugins.catalog.types.filters import (
    Condition,
    Filter,
    FilterError,
    FilterSet,
    filter_from_json,
    filter_matches,
    filter_to_json,
    format_filter,
    parse_filters,
)
from callboard.plugins.catalog.types.order import (
    OrderError,
    OrderField,
    order_from_json,
    order_to_json,
    parse_order,
    parse_order_fields,
)
from callboard.plugins.catalog.types.predicates import parse_predicate
from callboard.plugins.catalog.types.projection import FieldsError, parse_fields, project
from callboard.plugins.catalog.types.terms import scalar_text, search_values

ENTITY: dict[str, Any] = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Component",
    "metadata": {
        "name": "Shop",
        "uid": "u-1",
        "etag": "e",
        "annotations": {"backstage.io/orphan": "true", "backstage": "x"},
        "tags": ["Java", "java", "web"],
        "links": [{"url": "https://a"}, {"url": "https://b", "title": "B"}],
    },
    "spec": {"type": "Service", "replicas": 3, "public": True, "none": None, "empty": [], "long": "x" * 201},
    "relations": [{"type": "ownedBy", "targetRef": "group:default/team-a"}],
    "status": {"items": []},
}


# --- filters ----------------------------------------------------------------


def test_a_filter_joins_keys_by_and_values_by_or_and_parameters_by_or() -> None:
    assert parse_filters(["kind=API, kind=Component ,spec.type=Service", "metadata.Name", " , ", "a="]) == Filter(
        (
            FilterSet((Condition("kind", ("api", "component")), Condition("spec.type", ("service",)))),
            FilterSet((Condition("metadata.name"),)),
            FilterSet((Condition("a", ("",)),)),
        )
    )


def test_a_filter_that_says_nothing_is_none() -> None:
    assert parse_filters([]) is None
    assert parse_filters(["", " , "]) is None


def test_a_value_may_contain_equals_signs_and_implies_existence() -> None:
    assert parse_filters(["a=b=c,a"]) == parse_filters(["a,a=b=c"]) == Filter((FilterSet((Condition("a", ("b=c",)),)),))


@pytest.mark.parametrize("text", ["=x", "a=b,=", " = "])
def test_a_filter_without_key_is_refused(text: str) -> None:
    with pytest.raises(FilterError, match="a=b or a= or a"):
        parse_filters([text])


def test_a_null_character_in_a_filter_is_refused() -> None:
    with pytest.raises(FilterError):
        parse_filters(["a=\0"])


_WORD = st.text("abc.:/-", min_size=1, max_size=6)
_FILTERS = st.lists(
    st.lists(st.tuples(_WORD, st.none() | st.text("abc=/", max_size=4)), min_size=1, max_size=4),
    min_size=1,
    max_size=3,
).map(lambda sets: parse_filters([",".join(k if v is None else f"{k}={v}" for k, v in one) for one in sets]))


@given(_FILTERS)
def test_every_filter_survives_being_written_and_read(wanted: Filter) -> None:
    assert parse_filters(format_filter(wanted)) == wanted
    assert filter_from_json(json.loads(json.dumps(filter_to_json(wanted)))) == wanted


@pytest.mark.parametrize(
    "data", [None, [], {}, {"anyOf": {}}, {"anyOf": [{}]}, {"anyOf": [{"allOf": [{"key": 1}]}]}, {"anyOf": [{"allOf": [{"key": "a", "values": "b"}]}]}]
)  # fmt: skip
def test_a_filter_of_a_forged_cursor_is_refused(data: Any) -> None:
    with pytest.raises(FilterError):
        filter_from_json(data)


def terms_of_the_entity() -> dict[str, set[str | None]]:
    terms: dict[str, set[str | None]] = defaultdict(set)
    for key, value in search_values(ENTITY):
        terms[key].add(None if value is None else value.lower())
    return dict(terms)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metadata.tags.java=true", True), ("metadata.tags=java", True), ("metadata.tags=go", False),
        ("kind=component,spec.type=service", True), ("kind=api,kind=component", True),
        ("kind=api,spec.type=service", False), ("metadata.namespace=default", True),
        ("metadata.annotations.backstage.io/orphan", True), ("spec.none", True), ("spec.none=", False),
        ("spec.long", True), ("spec.public=true", True), ("spec.replicas=3", True), ("spec.missing", False),
    ],
)  # fmt: skip
def test_filters_mean_what_the_search_values_say(text: str, expected: bool) -> None:
    assert filter_matches(parse_filters([text]), terms_of_the_entity()) is expected


# --- search values ------------------------------------------------------------


def test_an_entity_becomes_its_search_values() -> None:
    assert search_values(ENTITY) == [
        ("apiversion", "backstage.io/v1alpha1"),
        ("kind", "Component"),
        ("metadata.annotations.backstage.io/orphan", "true"),
        ("metadata.annotations.backstage", "x"),
        ("metadata.tags.java", "true"),
        ("metadata.tags.web", "true"),
        ("metadata.tags", "Java"),
        ("metadata.tags", "java"),
        ("metadata.tags", "web"),
        ("metadata.links.url", "https://a"),
        ("metadata.links.url", "https://b"),
        ("metadata.links.title", "B"),
        ("spec.type", "Service"),
        ("spec.replicas", "3"),
        ("spec.public", "true"),
        ("spec.none", None),
        ("spec.long", None),
        ("metadata.name", "Shop"),
        ("metadata.namespace", "default"),
        ("metadata.uid", "u-1"),
    ]


def test_keys_that_are_too_long_are_left_out() -> None:
    entity = {"metadata": {"name": "a"}, "spec": {"k" * 195: 1, "k" * 196: 1}}
    assert sorted(len(key) for key, _ in search_values(entity)) == [12, 13, 18, 200]


def test_keys_that_differ_only_by_case_are_a_problem() -> None:
    with pytest.raises(ProblemError) as caught:
        search_values({"metadata": {"name": "a"}, "spec": {"foo": 1, "Foo": 2}}, "file:x")
    (problem,) = caught.value.problems
    assert '"spec.foo" and "spec.Foo"' in problem.message
    assert problem.place.url == "file:x"


def test_far_too_many_values_are_a_problem() -> None:
    with pytest.raises(ProblemError, match="20000"):
        search_values({"metadata": {"name": "a"}, "spec": {"l": list(range(20_001))}})


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (0.1, "0.1"), (-0.0, "0"), (1e20, "100000000000000000000"), (1e21, "1e+21"), (1e-6, "0.000001"),
     (-1.5e-5, "-0.000015"), (1e-7, "1e-7"), (1.5e300, "1.5e+300"), (True, "true"), (None, None), (10, "10")],
)  # fmt: skip
def test_numbers_are_written_as_in_javascript(value: Any, text: str | None) -> None:
    assert scalar_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_is_that_number(value: float) -> None:
    assert float(scalar_text(value) or "") == value


# --- fields -------------------------------------------------------------------


def test_fields_cut_an_entity_down() -> None:
    fields = parse_fields(["kind, metadata.name", "metadata.annotations.backstage.io/orphan,spec.missing,", "spec"])
    cut = project(ENTITY, fields)
    assert cut == {"kind": "Component", "metadata": {"name": "Shop"}, "spec": ENTITY["spec"]}


def test_a_key_with_dots_is_found_when_no_shorter_key_hides_it() -> None:
    entity = {"metadata": {"annotations": {"backstage.io/orphan": "true"}}}
    assert project(entity, ("metadata.annotations.backstage.io/orphan",)) == entity


def test_a_field_inside_another_changes_nothing() -> None:
    before = json.dumps(ENTITY)
    assert project(ENTITY, ("metadata", "metadata.name")) == {"metadata": ENTITY["metadata"]}
    assert project(ENTITY, ("metadata.name", "metadata")) == {"metadata": ENTITY["metadata"]}
    assert project(ENTITY, None) == ENTITY
    assert json.dumps(ENTITY) == before


def test_no_fields_means_all_and_lists_are_refused() -> None:
    assert parse_fields([]) is None
    assert parse_fields([" , "]) is None
    with pytest.raises(FieldsError, match="array type fields are not supported"):
        parse_fields(["metadata.tags[0]"])


# --- order --------------------------------------------------------------------


def test_orders_are_read() -> None:
    assert parse_order(["asc:metadata.Name", "desc:spec.type"]) == (
        OrderField("metadata.name"),
        OrderField("spec.type", "desc"),
    )
    assert parse_order_fields(["metadata.name,desc", "kind"]) == (
        OrderField("metadata.name", "desc"),
        OrderField("kind"),
    )
    fields = (OrderField("a", "desc"), OrderField("b"))
    assert order_from_json(order_to_json(fields)) == fields


@pytest.mark.parametrize("text", ["", "name", "up:name", "asc:", "asc: ", "asc:\0"])
def test_a_bad_order_is_refused(text: str) -> None:
    with pytest.raises(OrderError):
        parse_order([text])


@pytest.mark.parametrize("text", ["", ",asc", "name,", "name,up", "name,asc,desc"])
def test_a_bad_order_field_is_refused(text: str) -> None:
    with pytest.raises(OrderError):
        parse_order_fields([text])


@pytest.mark.parametrize("data", [None, {}, ["a"], [{}], [{"field": ""}], [{"field": "a", "order": "up"}]])
def test_a_bad_order_of_a_body_is_refused(data: Any) -> None:
    with pytest.raises(OrderError):
        order_from_json(data)


# --- cursors ------------------------------------------------------------------


def test_a_query_cursor_survives_being_written_and_read() -> None:
    cursor = QueryCursor(
        order_fields=(OrderField("metadata.name", "desc"),),
        order_field_values=(None, "id-1"),
        filter=parse_filters(["kind=a", "b"]),
        is_previous=True,
        full_text_filter=FullTextFilter("ü shop", ("metadata.name",)),
        first_sort_field_values=("z", "id-0"),
        total_items=0,
        query=parse_predicate({"$not": {"a": {"$contains": "b"}}}),
    )
    assert decode_query(encode_query(cursor)) == cursor
    assert decode_query(encode_query(QueryCursor())) == QueryCursor()
    data = json.loads(base64.b64decode(encode_query(cursor)))
    assert list(data) == [
        "orderFields", "orderFieldValues", "isPrevious", "filter", "fullTextFilter", "firstSortFieldValues",
        "totalItems", "query",
    ]  # fmt: skip


def test_a_cursor_may_come_without_padding_or_with_another_alphabet() -> None:
    for offset in range(50):
        text = encode_after(AfterCursor(10, offset))
        assert decode_after(text.rstrip("=")) == AfterCursor(10, offset)
    text = encode_query(QueryCursor(full_text_filter=FullTextFilter("???>>>~~~")))
    assert (
        decode_query(text.replace("+", " "))
        == decode_query(text.replace("+", "-").replace("/", "_"))
        == decode_query(text)
    )


@pytest.mark.parametrize(
    "text",
    ["", "x", "%%%", "ü", encode([]), encode("a"), encode({"limit": 0}), encode({"limit": -1}), encode({"limit": True}),
     encode({"offset": 1.5}), encode({"offset": 2**40}), encode({"offset": None}), base64.b64encode(b"\xff").decode(),
     base64.b64encode(b"[" * 50_000).decode()],
)  # fmt: skip
def test_a_malformed_after_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorError, match="Malformed after cursor"):
        decode_after(text)


@pytest.mark.parametrize(
    "data",
    [{"isPrevious": 1}, {"orderFields": {}}, {"orderFieldValues": "a"}, {"orderFieldValues": [1]}, {"filter": []},
     {"fullTextFilter": "a"}, {"fullTextFilter": {"term": 1}}, {"fullTextFilter": {"term": "a", "fields": "b"}},
     {"firstSortFieldValues": [["a"]]}, {"totalItems": "3"}, {"query": {"$nope": 1}}, {"orderFieldValues": ["\0"]}],
)  # fmt: skip
def test_a_forged_query_cursor_is_refused(data: Any) -> None:
    with pytest.raises(CursorError, match="Malformed cursor"):
        decode_query(encode(data))


@given(st.text(max_size=30))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        decode_query(text)
    except CursorError:
        return
