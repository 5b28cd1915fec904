"""Turn filters, predicates, orders and full-text terms into database conditions on `Entity`."""

from __future__ import annotations

import re
from functools import reduce
from operator import and_, or_

import orjson
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Lower

from callboard.plugins.catalog.models import Body, Entity, Relation
from callboard.plugins.catalog.selectors.model import catalog_model
from callboard.plugins.catalog.types.cursors import FullTextFilter
from callboard.plugins.catalog.types.filters import Condition, Filter
from callboard.plugins.catalog.types.predicates import (
    All,
    Any_,
    Contains,
    Equals,
    HasPrefix,
    In,
    Match,
    Not,
    Predicate,
    matches,
)
from callboard.plugins.catalog.types.predicates import (
    Exists as ExistsTest,
)
from callboard.plugins.catalog.types.terms import MAX_VALUE_LENGTH

NOTHING = Q(pk__in=[])
EVERYTHING = ~NOTHING
"""Unlike an empty ``Q``, it keeps its meaning when it is negated or joined."""

COLUMNS = {"kind": "kind", "metadata.name": "name", "metadata.namespace": "namespace"}
"""Search keys that have a column of their own; it holds the lower-case value."""

NARROW = {"spec.type": "type", "spec.lifecycle": "lifecycle", "metadata.description": "description"}
"""Search keys whose value stands in a narrow column too, in its own case and empty where there is none.

Reading it there spares unpacking all fields of every row.
"""


# --- Filters ------------------------------------------------------------------


def filter_query(wanted: Filter | None) -> Q:
    """Compile the filter of a query string."""
    if wanted is None:
        return Q()
    sets = (reduce(and_, map(_condition, item.conditions), EVERYTHING) for item in wanted.sets)
    return reduce(or_, sets, NOTHING)


def _condition(condition: Condition) -> Q:
    if condition.values is None:
        return _exists(condition.key)
    return _one_of(condition.key, condition.values)


def _exists(key: str) -> Q:
    if key.startswith("relations."):
        return _related(key.removeprefix("relations."), None)
    return Q(terms__contains=[key])


def _one_of(key: str, values: tuple[str, ...]) -> Q:
    if not values:
        return NOTHING
    if key.startswith("relations."):
        return _related(key.removeprefix("relations."), list(values))
    if key in COLUMNS:
        return Q(**{f"{COLUMNS[key]}__in": values}) if len(values) > 1 else Q(**{COLUMNS[key]: values[0]})
    terms = [f"{key}={value}" for value in values if len(value) <= MAX_VALUE_LENGTH]
    if not terms:
        return NOTHING
    return Q(terms__contains=terms) if len(terms) == 1 else Q(terms__overlap=terms)


def _related(relation_type: str, targets: list[str] | None) -> Q:
    rows = Relation.objects.filter(source_ref=OuterRef("ref"), type=relation_type_of(relation_type))
    if targets is not None:
        rows = rows.filter(target_ref__in=targets) if len(targets) > 1 else rows.filter(target_ref=targets[0])
    return Q(Exists(rows))


def relation_type_of(lowered: str) -> str:
    """Answer a relation type in its own spelling; filters come in lower case."""
    for relation in catalog_model().relations:
        for name in (relation.type, relation.inverse):
            if name.lower() == lowered.lower():
                return name
    return lowered


# --- Predicates ---------------------------------------------------------------


def predicate_query(predicate: Predicate | None) -> Q:
    """Compile a predicate of a request body."""
    if predicate is None:
        return Q()
    if isinstance(predicate, All):
        return reduce(and_, map(predicate_query, predicate.predicates), EVERYTHING)
    if isinstance(predicate, Any_):
        return reduce(or_, map(predicate_query, predicate.predicates), NOTHING)
    if isinstance(predicate, Not):
        return ~predicate_query(predicate.predicate)
    return _match(predicate)


def _match(match: Match) -> Q:
    key = match.path.lower()
    test = match.test
    if isinstance(test, ExistsTest):
        found = _exists(key)
        if not key.startswith("relations."):
            # The path may lead to an object, which has no term of its own but its leaves have.
            found |= _any_term_starts(f"{key}.")
        return found if test.wanted else ~found
    if isinstance(test, Equals):
        return _one_of(key, (test.value,))
    if isinstance(test, In):
        return _one_of(key, test.values)
    if isinstance(test, HasPrefix):
        if key in COLUMNS:
            return Q(**{f"{COLUMNS[key]}__startswith": test.prefix})
        if key.startswith("relations."):
            rows = Relation.objects.filter(
                source_ref=OuterRef("ref"),
                type=relation_type_of(key.removeprefix("relations.")),
                target_ref__startswith=test.prefix,
            )
            return Q(Exists(rows))
        return _any_term_starts(f"{key}={test.prefix}")
    return _contains(match.path, test)


class _AnyTermStarts(Func):
    """Whether one of an entity's terms begins with a text; needs no index, so it is for rare questions."""

    template = "EXISTS (SELECT FROM unnest(%(expressions)s))"
    arg_joiner = ") AS term WHERE starts_with(term, "
    output_field = BooleanField()


def _any_term_starts(prefix: str) -> Q:
    return Q(_AnyTermStarts(F("terms"), Value(prefix)))


def _contains(path: str, test: Contains) -> Q:
    """Compile a question about the items of a list.

    Plain texts in a list have a term of their own, so that a single value of the same key does not pass.
    What the terms cannot tell, such as two fields of the same item, is looked up in the entities
    themselves; that is as slow as it sounds and rarely asked.
    """
    inner = test.predicate
    key = path.lower()
    if key == "relations":
        found = _relation_contains(inner)
        if found is not None:
            return found
    if isinstance(inner, Match) and not inner.path and key not in COLUMNS:
        if isinstance(inner.test, Equals) and not _PLAIN.match(inner.test.value):
            return _one_of(key, (inner.test.value,)) & Q(terms__contains=[f"{key}.{inner.test.value}"])
        if isinstance(inner.test, In) and not any(map(_PLAIN.match, inner.test.values)):
            return reduce(or_, (_contains(path, Contains(Match("", Equals(v)))) for v in inner.test.values), NOTHING)
    rows = Body.objects.values_list("entity_id", "json")
    if key != "relations":
        rows = rows.filter(entity__in=Entity.objects.filter(_exists(key) | _any_term_starts(f"{key}.")))
    predicate = Match(path, test)
    return Q(pk__in=[pk for pk, text in rows.iterator() if matches(predicate, orjson.loads(text))])


_PLAIN = re.compile(r"-?[0-9]|true$|false$|.{190}", re.DOTALL)
"""Texts that may stand for a number or a boolean, or are too long to be sure: their terms do not tell."""


def _relation_contains(inner: Predicate) -> Q | None:
    """Compile ``{"relations": {"$contains": {"type": …, "targetRef": …}}}`` on the relation table."""
    parts = inner.predicates if isinstance(inner, All) else (inner,)
    rows = Relation.objects.filter(source_ref=OuterRef("ref"))
    for part in parts:
        if not isinstance(part, Match) or part.path.lower() not in {"type", "targetref"}:
            return None
        is_type = part.path.lower() == "type"
        column = "type" if is_type else "target_ref"
        if isinstance(part.test, Equals):
            values = [part.test.value]
        elif isinstance(part.test, In):
            values = list(part.test.values)
        elif isinstance(part.test, HasPrefix) and not is_type:
            rows = rows.filter(target_ref__startswith=part.test.prefix)
            continue
        else:
            return None
        rows = rows.filter(**{f"{column}__in": [relation_type_of(v) if is_type else v for v in values]})
    return Q(Exists(rows))


# --- Values, order, full text ---------------------------------------------------


def value_of(key: str) -> Combinable:
    """Answer the expression of a search key's value, lower-cased, for ordering and text search."""
    lowered = key.lower()
    if lowered in COLUMNS:
        return F(COLUMNS[lowered])
    if lowered == "metadata.uid":
        return Cast(F("uid"), TextField())
    return Lower(F(NARROW[lowered]) if lowered in NARROW else KeyTextTransform(lowered, "fields"))


def is_never_null(key: str) -> bool:
    """Tell whether every entity that has this key has a value to sort by."""
    return key.lower() in NARROW or _has_everyone(key.lower())


def _has_everyone(lowered: str) -> bool:
    return lowered in COLUMNS or lowered == "metadata.uid"


def has_value(key: str) -> Q:
    """Compile "the entity has this key at all"; keys every entity has ask for nothing."""
    lowered = key.lower()
    if lowered in NARROW:
        return ~Q(**{NARROW[lowered]: ""})
    return Q() if _has_everyone(lowered) else Q(terms__contains=[lowered])


def full_text_query(wanted: FullTextFilter | None, sort_key: str | None) -> tuple[dict[str, Combinable], Q]:
    """Compile a substring search; answer the annotations it needs and the condition."""
    term = wanted.term.strip().lower() if wanted else ""
    if not wanted or not term:
        return {}, Q()
    keys = wanted.fields or (sort_key or "metadata.uid",)
    annotations: dict[str, Combinable] = {}
    query = NOTHING
    for index, key in enumerate(keys):
        lowered = key.strip().lower()
        if lowered in COLUMNS:
            query |= Q(**{f"{COLUMNS[lowered]}__contains": term})
            continue
        name = f"text_{index}"
        annotations[name] = value_of(lowered)
        query |= Q(**{f"{name}__contains": term})
    return annotations, query
