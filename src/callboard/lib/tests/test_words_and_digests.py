"""Suggestions are close, digests are stable."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.lib.digest import content_hash, stable_json, text_hash
from callboard.lib.nearest import did_you_mean, nearest
from callboard.lib.problems import Place, Problem, ProblemError

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def test_the_nearest_word_is_found_in_any_case() -> None:
    kinds = ["Component", "API", "Resource"]
    assert nearest("component", kinds) == "Component"
    assert nearest("Resorce", kinds) == "Resource"
    assert nearest("Banana", kinds) is None
    assert did_you_mean("Componnent", kinds) == 'Did you mean "Component"?'
    assert did_you_mean("", kinds) == ""


def test_a_very_long_word_costs_nothing() -> None:
    assert nearest("a" * 1_000_000, ["a" * 99]) is None


@given(_JSON)
def test_the_order_of_keys_does_not_change_the_hash(value: object) -> None:
    def turned(item: object) -> object:
        if isinstance(item, dict):
            return {key: turned(item[key]) for key in reversed(list(item))}
        return [turned(one) for one in item] if isinstance(item, list) else item

    assert content_hash(turned(value)) == content_hash(value)
    json.loads(stable_json(value))


def test_different_values_have_different_hashes() -> None:
    assert len({content_hash(value) for value in (1, "1", True, None, [], {}, [1], {"1": 1})}) == 8
    assert text_hash("a") == text_hash(b"a") != text_hash("b")


def test_numbers_beyond_64_bits_are_hashed_too() -> None:
    assert content_hash({"n": 2**80}) != content_hash({"n": 2**80 + 1})


@pytest.mark.parametrize("value", [{1: "a", "n": 2**80}, dt.date(2024, 1, 1), {1: 2}])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        stable_json(value)


def test_a_problem_says_where_what_and_how_to_mend_it() -> None:
    problem = Problem("x", "It is wrong.", "Mend it.", Place("file:a.yaml", path="spec.owner")).at(3, 7)
    assert str(problem) == "file:a.yaml:3:7 at spec.owner: It is wrong. Mend it."
    assert problem.as_dict()["place"] == {"url": "file:a.yaml", "line": 3, "column": 7, "path": "spec.owner"}
    assert ProblemError(problem).problems == (problem,)
    assert "Mend it." in str(ProblemError([problem, problem]))
