"""References read and write the same, whatever their case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.lib.refs import EntityRef, LocationRef, RefError, canonical

_NAMES = st.from_regex(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?", fullmatch=True)
_KINDS = st.from_regex(r"[a-zA-Z][a-z0-9A-Z]{0,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("component:default/my-service", "component:default/my-service"),
        ("Component:My-Service", "component:default/my-service"),
        ("API:Team-A/x", "api:team-a/x"),
        ("component:ns/a:b", "component:ns/a:b"),
        ("component:ns/a/b", "component:ns/a/b"),
    ],
)
def test_a_full_ref_becomes_canonical(text: str, expected: str) -> None:
    assert canonical(text) == expected


def test_a_ref_without_kind_takes_the_default() -> None:
    assert canonical("team-a", default_kind="Group") == "group:default/team-a"


def test_a_ref_without_namespace_takes_the_one_of_its_context() -> None:
    assert canonical("group:team-a", default_namespace="Core") == "group:core/team-a"


def test_a_slash_before_a_colon_makes_the_colon_part_of_the_name() -> None:
    assert EntityRef.parse("ns/a:b", default_kind="Group") == EntityRef("Group", "ns", "a:b")


def test_a_ref_keeps_its_own_case_until_it_is_written() -> None:
    ref = EntityRef.parse("Component:Shop/Cart")
    assert (ref.kind, ref.namespace, ref.name) == ("Component", "Shop", "Cart")
    assert ref.same_as(EntityRef.parse("component:shop/cart"))


@pytest.mark.parametrize("text", ["", " ", ":", "a:", ":a", "/a", "a/", "kind:/name", "kind:ns/", ":ns/name"])
def test_a_ref_with_an_empty_part_is_refused(text: str) -> None:
    with pytest.raises(RefError):
        EntityRef.parse(text, default_kind="Component")


def test_a_ref_without_kind_says_how_to_write_it() -> None:
    with pytest.raises(RefError, match="component:shop"):
        EntityRef.parse("shop")


@given(_KINDS, _NAMES, _NAMES)
def test_every_ref_survives_being_written_and_read(kind: str, namespace: str, name: str) -> None:
    ref = EntityRef(kind, namespace, name)
    assert str(EntityRef.parse(str(ref))) == str(ref)
    assert EntityRef.parse(f"{kind}:{namespace}/{name}") == ref


@given(st.text(max_size=40))
def test_any_text_is_either_a_ref_or_refused(text: str) -> None:
    try:
        ref = EntityRef.parse(text, default_kind="component")
    except RefError:
        return
    assert ref.kind
    assert ref.namespace
    assert ref.name


def test_a_location_has_type_and_target() -> None:
    ref = LocationRef.parse("url: https://example.org/a:b.yaml")
    assert (ref.type, ref.target) == ("url", "https://example.org/a:b.yaml")
    assert str(ref) == "url:https://example.org/a:b.yaml"


def test_a_bare_web_address_is_told_to_use_url() -> None:
    with pytest.raises(RefError, match=r"url:https://example\.org/x"):
        LocationRef.parse("https://example.org/x")


@pytest.mark.parametrize("target", ["javascript:alert(1)", " JavaScript:x", "java\nscript:x", "\x01javascript:x"])
def test_a_script_is_no_location(target: str) -> None:
    with pytest.raises(RefError, match="javascript"):
        LocationRef.of("url", target)


@pytest.mark.parametrize("text", ["", "url", "url:", ":x", "url: "])
def test_a_location_needs_both_parts(text: str) -> None:
    with pytest.raises(RefError):
        LocationRef.parse(text)
