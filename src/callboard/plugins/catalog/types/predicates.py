"""Read and evaluate the query language of request bodies: ``{"kind": "component", "$not": …}``.

A predicate is parsed into a tree of small dataclasses once; the API turns the tree into SQL, and
:func:`matches` says what it means.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from callboard.lib.nearest import did_you_mean
from callboard.lib.refs import DEFAULT_NAMESPACE
from callboard.plugins.catalog.types.terms import scalar_text

MAX_DEPTH = 20
MAX_CONDITIONS = 1_000
MAX_VALUES = 10_000

_LOGIC = ("$all", "$any", "$not")
_TESTS = ("$exists", "$in", "$contains", "$hasPrefix")


class PredicateError(ValueError):
    """A query that cannot be understood; the message names the place inside the query."""


@dataclass(frozen=True, slots=True)
class Equals:
    """The value, or one item of a list, is this; ``value`` is text in lower case."""

    value: str


@dataclass(frozen=True, slots=True)
class Exists:
    """The path leads to something (``True``) or to nothing."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class In:
    """The value, or one item of a list, is one of these, in lower case."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HasPrefix:
    """The value, or one item of a list, starts with this, in lower case."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Contains:
    """The value is a list, and one item matches; paths inside start at the item."""

    predicate: "Predicate"


Test = Equals | Exists | In | HasPrefix | Contains


@dataclass(frozen=True, slots=True)
class Match:
    """What ``path`` leads to passes the test; the empty path is the item a ``Contains`` looks at."""

    path: str
    test: Test


@dataclass(frozen=True, slots=True)
class All:
    """Every one must hold; none at all holds too."""

    predicates: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801  "Any" is taken by typing, which every reader of this file knows
    """One must hold; none at all never holds."""

    predicates: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The predicate must not hold."""

    predicate: "Predicate"


Predicate = All | Any_ | Not | Match


# --- Reading --------------------------------------------------------------------


def parse_predicate(data: Any) -> Predicate:
    """Read the JSON of a query; raises :class:`PredicateError`."""
    return _Parser().predicate(data, "query", 0, implicit=False)


class _Parser:
    """Count while reading, so that a query of a stranger stays small."""

    def __init__(self) -> None:
        self._conditions = 0
        self._values = 0

    def predicate(self, data: Any, at: str, depth: int, *, implicit: bool) -> Predicate:
        self._count(at, depth)
        if isinstance(data, str | bool | int | float):
            if not implicit:
                raise PredicateError(
                    f'Invalid query at {at}: a plain value says nothing without a path; write {{"<path>": <value>}}'
                )
            return Match("", Equals(self._text(data, at)))
        if not isinstance(data, dict):
            raise PredicateError(f"Invalid query at {at}: expected an object, got {_kind(data)}")
        operators = [key for key in data if key.startswith("$")]
        if not operators:
            matches = tuple(
                Match(self._path(path, at), self._test(value, f"{at}.{path}", depth + 1))
                for path, value in data.items()
            )
            return matches[0] if len(matches) == 1 else All(matches)
        name = operators[0]
        if len(data) > 1:
            raise PredicateError(
                f"Invalid query at {at}: {name} must stand alone in its object; "
                "join it with the other conditions by $all"
            )
        value = data[name]
        at = f"{at}.{name}"
        if name == "$not":
            return Not(self.predicate(value, at, depth + 1, implicit=implicit))
        if name in ("$all", "$any"):
            if not isinstance(value, list):
                raise PredicateError(f"Invalid query at {at}: expected a list, got {_kind(value)}")
            inner = tuple(
                self.predicate(item, f"{at}[{index}]", depth + 1, implicit=implicit) for index, item in enumerate(value)
            )
            return All(inner) if name == "$all" else Any_(inner)
        if implicit and name in _TESTS:
            return Match("", self._test(data, at, depth + 1))
        if name in _TESTS:
            raise PredicateError(f'Invalid query at {at}: {name} needs a path; write {{"<path>": {{"{name}": …}}}}')
        raise _unknown(name, at)

    def _test(self, data: Any, at: str, depth: int) -> Test:
        self._count(at, depth)
        if isinstance(data, str | bool | int | float):
            return Equals(self._text(data, at))
        if data is None:
            raise PredicateError(f'Invalid query at {at}: null equals nothing; write {{"$exists": false}}')
        if not isinstance(data, dict):
            raise PredicateError(f'Invalid query at {at}: expected a value, got a list; write {{"$in": […]}}')
        if len(data) != 1:
            raise PredicateError(f"Invalid query at {at}: expected exactly one of {', '.join(_TESTS)}")
        name, value = next(iter(data.items()))
        if name == "$exists":
            if not isinstance(value, bool):
                raise PredicateError(f"Invalid query at {at}.$exists: expected true or false")
            return Exists(value)
        if name == "$in":
            if not isinstance(value, list):
                raise PredicateError(f"Invalid query at {at}.$in: expected a list, got {_kind(value)}")
            texts = (self._text(item, f"{at}.$in[{index}]") for index, item in enumerate(value))
            return In(tuple(dict.fromkeys(texts)))
        if name == "$hasPrefix":
            if not isinstance(value, str):
                raise PredicateError(f"Invalid query at {at}.$hasPrefix: expected a string, got {_kind(value)}")
            return HasPrefix(self._text(value, at))
        if name == "$contains":
            return Contains(self.predicate(value, f"{at}.$contains", depth + 1, implicit=True))
        raise _unknown(name, at)

    def _text(self, value: Any, at: str) -> str:
        self._values += 1
        if self._values > MAX_VALUES:
            raise PredicateError(f"Invalid query at {at}: more than {MAX_VALUES} values")
        text = scalar_text(value) if isinstance(value, str | bool | int | float) else None
        if text is None:
            raise PredicateError(f"Invalid query at {at}: expected a plain value, got {_kind(value)}")
        if "\0" in text:
            raise PredicateError(f"Invalid query at {at}: a null character matches nothing")
        return text.lower()

    def _path(self, path: str, at: str) -> str:
        if not path or "\0" in path:
            raise PredicateError(f"Invalid query at {at}: a path must not be empty")
        return path

    def _count(self, at: str, depth: int) -> None:
        self._conditions += 1
        if depth > MAX_DEPTH:
            raise PredicateError(f"Invalid query at {at[:200]}: nested more than {MAX_DEPTH} levels deep")
        if self._conditions > MAX_CONDITIONS:
            raise PredicateError(f"Invalid query at {at[:200]}: more than {MAX_CONDITIONS} conditions")


def _unknown(name: str, at: str) -> PredicateError:
    known = (*_LOGIC, *_TESTS)
    hint = did_you_mean(name, known) or f"Known are {', '.join(known)}."
    return PredicateError(f"Invalid query at {at[:200]}: unknown operator {name[:50]}. {hint}")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a plain value"


# --- Writing --------------------------------------------------------------------


def predicate_to_json(predicate: Predicate) -> Any:
    """Write a predicate as JSON that reads back the same; values are in lower case then."""
    match predicate:
        case All(inner):
            return {"$all": [predicate_to_json(item) for item in inner]}
        case Any_(inner):
            return {"$any": [predicate_to_json(item) for item in inner]}
        case Not(one):
            return {"$not": predicate_to_json(one)}
        case Match("", test):
            return _test_to_json(test)
        case Match(path, test):
            return {path: _test_to_json(test)}


def _test_to_json(test: Test) -> Any:
    match test:
        case Equals(value):
            return value
        case Exists(wanted):
            return {"$exists": wanted}
        case In(values):
            return {"$in": list(values)}
        case HasPrefix(prefix):
            return {"$hasPrefix": prefix}
        case Contains(predicate):
            return {"$contains": predicate_to_json(predicate)}


# --- Meaning --------------------------------------------------------------------


def matches(predicate: Predicate, value: Any) -> bool:
    """Tell whether an entity satisfies a predicate.

    Paths are followed as in search values: keys in any case and with dots, through lists, an item of a
    list of strings as a key of its own (``metadata.tags.java``), ``relations.<type>`` to the
    refs it points to.
    """
    match predicate:
        case All(inner):
            return all(matches(item, value) for item in inner)
        case Any_(inner):
            return any(matches(item, value) for item in inner)
        case Not(one):
            return not matches(one, value)
        case Match(path, test):
            return _passes(test, list(_values_at(value, path.lower())) if path else [value])


def _passes(test: Test, found: list[Any]) -> bool:
    match test:
        case Exists(wanted):
            return bool(found) is wanted
        case Contains(predicate):
            return any(matches(predicate, item) for value in found if isinstance(value, list) for item in value)
        case Equals(text):
            return any(leaf == text for leaf in _leaves(found))
        case In(values):
            return any(leaf in values for leaf in _leaves(found))
        case HasPrefix(prefix):
            return any(leaf.startswith(prefix) for leaf in _leaves(found))


def _leaves(found: list[Any]) -> Iterator[str]:
    for value in found:
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, str | bool | int | float):
                text = scalar_text(item)
                if text is not None:
                    yield text.lower()


def _values_at(value: Any, path: str) -> Iterator[Any]:
    if path == "metadata.namespace" and isinstance(value, Mapping):
        metadata = value.get("metadata")
        if isinstance(metadata, Mapping) and not metadata.get("namespace"):
            yield DEFAULT_NAMESPACE
            return
    if path.startswith("relations.") and isinstance(value, Mapping):
        wanted = path.removeprefix("relations.")
        for relation in value.get("relations") or ():
            if str(relation.get("type", "")).lower() == wanted:
                yield relation.get("targetRef")
    yield from _follow(value, path)


def _follow(value: Any, path: str) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            lowered = key.lower()
            if lowered == path:
                yield item
            elif path.startswith(f"{lowered}."):
                yield from _follow(item, path[len(lowered) + 1 :])
    elif isinstance(value, list):
        if any(isinstance(item, str) and item.lower() == path for item in value):
            yield True
        for item in value:
            if isinstance(item, Mapping | list):
                yield from _follow(item, path)
