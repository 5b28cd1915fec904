"""YAML 1.2 is read quickly, safely, and one document at a time."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.lib.problems import Problem
from callboard.lib.yaml12 import Document, Limits, dump, read_documents


def _one(text: str) -> Any:
    (document,) = read_documents(text, "file:x")
    assert isinstance(document, Document), document
    return document.value


def _problem(text: str | bytes, limits: Limits | None = None) -> Problem:
    (problem,) = read_documents(text, "file:x", limits or Limits())
    assert isinstance(problem, Problem), problem
    return problem


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("Off", "Off"), ("y", "y"), ("n", "n"), ("NO", "NO"),
        ("true", True), ("False", False), ("TRUE", True), ("tRue", "tRue"),
        ("null", None), ("~", None), ("", None), ("Null", None), ("nUll", "nUll"),
        ("2024-01-31", "2024-01-31"), ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("12:30", "12:30"), ("1:20:30", "1:20:30"), ("190:20:30.15", "190:20:30.15"),
        ("12", 12), ("+12", 12), ("-3", -3), ("012", 12), ("0o14", 12), ("0x1F", 31), ("0b11", "0b11"),
        ("1_000", "1_000"), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("-1E-2", -0.01),
        ("1.2.3", "1.2.3"), ("-", None), ("1e", "1e"), (".", "."), ("+", "+"), ("=", "="),
        (".inf", ".inf"), ("-.INF", "-.INF"), (".nan", ".nan"), ("1e999", "1e999"),
        ("'12'", "12"), ('"true"', "true"), ("!!str 12", "12"), ("! 12", "12"), ("!!int 12", 12),
        ("!Ref thing", "thing"), ("!!binary aGk=", "aGk="), ("!!python/object/apply:os.system x", "x"),
        ("18446744073709551615", 2**64 - 1), ("18446744073709551616", float(2**64)),
    ],
)  # fmt: skip
def test_words_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = _one(f"key: {text}" if text != "-" else "key:")["key"]
    assert found == value
    assert type(found) is type(value)


def test_everything_read_is_valid_json() -> None:
    value = _one("a: .nan\nb: [.inf, -.inf, 1e9999]\n1: x\ntrue: y\n~: z\n1.0: w\n" + "c: " + "9" * 5000)
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert list(value) == ["a", "b", "1", "true", "null", "1.0", "c"]


def test_empty_documents_are_left_out() -> None:
    found = read_documents("---\n---\n# nothing\n---\na: 1\n...\n---\n~\n---\nb: 2\n---\n", "file:x")
    assert [item.value for item in found if isinstance(item, Document)] == [{"a": 1}, {"b": 2}]
    assert read_documents("", "file:x") == []
    assert read_documents(b"\xef\xbb\xbf", "file:x") == []


def test_a_broken_document_does_not_hide_the_others() -> None:
    text = "a: 1\n---\nb: [1,\n---\nc: |\n  text\n---\nd: 'open\n---\ne: 5\n"
    found = read_documents(text, "file:x")
    kinds = [item.value if isinstance(item, Document) else item.code for item in found]
    assert kinds == [{"a": 1}, "yaml-syntax", {"c": "text\n"}, "yaml-syntax", {"e": 5}]
    problems = [item for item in found if isinstance(item, Problem)]
    assert [problem.place.line for problem in problems] == [4, 9]
    assert all(problem.remedy and problem.place.url == "file:x" for problem in problems)
    assert [item.line for item in found if isinstance(item, Document)] == [1, 5, 10]


def test_a_marker_ends_even_a_block_scalar() -> None:
    found = read_documents("a: |\n  one\n---\nb: >\n  two\n  --- not here\n", "file:x")
    assert [item.value for item in found if isinstance(item, Document)] == [
        {"a": "one\n"},
        {"b": "two --- not here\n"},
    ]


def test_directives_and_comments_stay_with_the_document_after_them() -> None:
    text = "a: [\n...\n# comment\n%YAML 1.2\n---\nb: 1\n"
    found = read_documents(text, "file:x")
    assert [getattr(item, "value", None) for item in found] == [None, {"b": 1}]
    assert isinstance(found[1], Document)
    assert found[1].line == 6


def test_duplicate_keys_are_an_error_with_their_place() -> None:
    problem = _problem("a: 1\nb:\n  c: 1\n  'c': 2\n")
    assert (problem.code, problem.place.line, problem.place.column) == ("yaml-duplicate-key", 4, 3)
    assert '"c"' in problem.message
    assert _problem("1: a\n'1': b").code == "yaml-duplicate-key"


def test_merge_keys_fill_in_what_is_missing() -> None:
    value = _one("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 0}\nq: {'<<': plain}")
    assert value["z"] == {"a": 0, "b": 2, "c": 4}
    assert value["q"] == {"<<": "plain"}
    assert _problem("a: {<<: text}").code == "yaml-merge"


def test_aliases_are_copies() -> None:
    value = _one("a: &a {b: [1]}\nc: *a\nd: &s text\ne: *s\n*s : key")
    assert value == {"a": {"b": [1]}, "c": {"b": [1]}, "d": "text", "e": "text", "text": "key"}
    value["c"]["b"].append(2)
    assert value["a"] == {"b": [1]}


@pytest.mark.parametrize("text", ["a: *missing", "a: &a [*a]", "a: &a {b: *a}"])
def test_an_alias_without_a_finished_anchor_is_a_problem(text: str) -> None:
    assert _problem(text).code in ("yaml-alias", "yaml-syntax")


def test_an_alias_bomb_is_stopped_early() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    started = time.monotonic()
    assert _problem("\n".join(lines)).code == "yaml-too-large"
    assert time.monotonic() - started < 10


def test_depth_cannot_be_smuggled_in_through_aliases() -> None:
    lines = ["a0: &a0 []"]
    lines += [f"a{n}: &a{n} {'[' * 60}*a{n - 1}{']' * 60}" for n in range(1, 20)]
    assert _problem("\n".join(lines)).code == "yaml-too-deep"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_a_problem_not_a_crash(opening: str) -> None:
    started = time.monotonic()
    found = read_documents(opening * 1_000_000, "file:x")
    assert len(found) == 1
    assert isinstance(found[0], Problem)
    assert time.monotonic() - started < 5


def test_a_hundred_levels_are_fine_and_one_more_is_not() -> None:
    assert _one("[" * 100 + "]" * 100)
    assert _problem("[" * 101 + "]" * 101).code == "yaml-too-deep"


def test_size_and_count_have_limits() -> None:
    assert _problem("a: 1", Limits(bytes=3)).code == "yaml-too-large"
    assert _problem("[1, 2, 3, 4, 5, 6]", Limits(nodes=5)).code == "yaml-too-large"
    assert _problem("{a: 1, b: 2, c: 3, d: 4}", Limits(nodes=3)).code == "yaml-too-large"
    found = read_documents("---\na: 1\n" * 5, "file:x", Limits(documents=3))
    assert [type(item) for item in found] == [Document, Document, Document, Problem]
    assert isinstance(found[3], Problem)
    (problem,) = read_documents("a: [\n" + "---\n" * 5, "file:x", Limits(documents=3))[1:]
    assert isinstance(problem, Problem)
    assert problem.code == "yaml-too-many-documents"
    assert (found[3].code, found[3].place.line) == ("yaml-too-many-documents", 8)


def test_a_file_that_is_not_utf_8_says_where() -> None:
    problem = _problem(b"a: 1\nb: caf\xe9\n")
    assert (problem.code, problem.place.line, problem.place.column) == ("yaml-encoding", 2, 7)
    assert _one("a: 1".encode("utf-16").decode("utf-16")) == {"a": 1}
    assert read_documents("a: ü".encode("utf-16"), "file:x")[0].value == {"a": "ü"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ok: 1\n---\na: x\x00y", "yaml-character"),
        ("ok: 1\n---\na: x\x07y", "yaml-character"),
        ("ok: 1\n---\na: \ud800", "yaml-character"),
        ('ok: 1\n---\na: "x\\0y"', "yaml-null-character"),
        ('ok: 1\n---\n"x\\0": y', "yaml-null-character"),
        ("ok: 1\n---\n[a]: y", "yaml-key"),
        ("ok: 1\n---\n\tkey: y", "yaml-syntax"),
    ],
)
def test_what_cannot_be_kept_is_a_problem_of_its_document_alone(text: str, code: str) -> None:
    good, bad = read_documents(text + "\n", "file:x")
    assert isinstance(good, Document)
    assert isinstance(bad, Problem)
    assert (bad.code, bad.place.line) == (code, 3)


def test_a_path_leads_to_its_line() -> None:
    text = (
        "---\nx: 0\n---\n# the second\nmetadata:\n  annotations:\n    a.b/c: d\n    a.b: e\n"
        "spec:\n  list:\n    - one\n    - two: 2\nmerged:\n  <<: {deep: 1}\n"
    )
    document = read_documents(text, "file:x")[1]
    assert isinstance(document, Document)
    assert document.line == 5
    assert document.locate("metadata.annotations.a.b/c") == (7, 5)
    assert document.locate("metadata.annotations.a.b") == (8, 5)
    assert document.locate("spec.list[0]") == (11, 7)
    assert document.locate("spec.list[1].two") == (12, 7)
    assert document.locate("merged.deep") == (14, 8)
    assert document.locate("spec.missing.more") == (9, 1)
    assert document.locate("spec.list[99999999999]") == (10, 3)
    assert document.locate("") == (5, 1)
    assert document.place("file:x", "spec.list").line == 10


def test_lines_stay_right_after_a_broken_document() -> None:
    document = read_documents("a: [\n---\n\n# c\nb:\n  c: 1\n", "file:x")[1]
    assert isinstance(document, Document)
    assert document.line == 5
    assert document.locate("b.c") == (6, 3)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(
        ["yes", "012", "0o7", "1e3", "2024-01-01", "~", "<<", "=", "a: b", "a\nb\n", "\n", " a\nb", "- x"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON)
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    if "\\u0000" in json.dumps(value):
        return
    found = read_documents(dump({"key": value}), "file:x")
    assert [item.value if isinstance(item, Document) else str(item) for item in found] == [{"key": value}]


def test_writing_is_made_for_people() -> None:
    text = dump({"kind": "API", "on": "yes", "n": "12", "spec": {"text": "one\ntwo\n", "list": [1, "a"]}})
    assert text == ("kind: API\n'on': 'yes'\nn: '12'\nspec:\n  text: |\n    one\n    two\n  list:\n  - 1\n  - a\n")
    shared = ["x"]
    assert "&" not in dump({"a": shared, "b": shared})


@given(st.text(alphabet="ab:-[]{}'\"\n #|&*!%\t", max_size=60))
def test_no_text_at_all_makes_the_reader_fail(text: str) -> None:
    for item in read_documents(text, "file:x"):
        assert isinstance(item, Document | Problem)
        if isinstance(item, Document):
            assert item.locate("a") is not None


def test_a_large_file_is_read_quickly() -> None:
    entity = "---\nkind: Component\nmetadata:\n  name: n\n  tags:\n    - a\nspec:\n  owner: team\n"
    started = time.process_time()
    assert len(read_documents(entity * 2000, "file:x")) == 2000
    assert time.process_time() - started < 3
