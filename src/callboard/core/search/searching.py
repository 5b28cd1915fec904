"""Search: read the question, find by words and by meaning, put both together, show where it fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from callboard.core.search import semantic
from callboard.core.search.access import Access, access, known_fields
from callboard.core.search.answers import keep_answer, kept_answer
from callboard.core.search.engines import engine
from callboard.core.search.models import Document
from callboard.core.search.postgres import PostgresEngine
from callboard.core.search.question import Question, read_question
from callboard.core.search.types import FacetValue, Found, Hit, Ranked, SearchAnswer, SearchRequest
from callboard.core.search.vocabulary import meant_by, synonyms, terms
from callboard.lib.words import Fits, fitting, marked, passage

FUSION = 20.0
"""How fast a place in a list loses its worth (the constant of reciprocal rank fusion)."""
TRUST_BESIDE_WORDS = 0.35
TRUST_ALONE = 0.6
"""What a place among the nearest in meaning counts, beside results that have all words and without them."""
SCORE_SHARE = 0.04
FEW = 3
FACET_SAMPLE = 5_000
FACET_VALUES = 12
FACETS = ("kind", "type", "owner", "lifecycle", "system", "tag")
PASSAGE = 260

_LOADED = ("id", "type", "title", "text", "location", "fields", "owner_ref", "changed_at")


@dataclass(frozen=True)
class _Tried:
    question: Question
    found: Found
    semantic: bool


def search(request: SearchRequest) -> SearchAnswer:
    """Answer what the caller may find. Nothing that is typed is an error; what is misspelt is found as meant."""
    question = replace(read_question(request.text, known_fields()), types=request.types).filtered(
        request.filters, request.types
    )
    allowed = access(request.types)
    # Where a permission depends on the resource, somebody else's answer may differ, so it is not kept.
    key = None if allowed.partly else (allowed.whole, allowed.owner_refs, request.key)
    kept = kept_answer(key) if key else None
    if kept is not None:
        return kept
    answer = _search(question, allowed, request)
    if key:
        keep_answer(key, answer)
    return answer


def _search(question: Question, allowed: Access, request: SearchRequest) -> SearchAnswer:
    depth = request.offset + request.limit
    by_words = _by_words(question, allowed, depth, request)
    corrected = ""
    if len(by_words.ranked) < FEW and question.words and not request.instant and request.mode != "semantic":
        better = _as_meant(question)
        if better is not None:
            second = _by_words(better, allowed, depth, request)
            if len(second.ranked) > len(by_words.ranked):
                question, by_words, corrected = better, second, better.text
    tried = _with_meaning(question, by_words, allowed, request)
    shown = tried.found.ranked[request.offset : depth]
    fits = fitting(_stems(tried.question))
    hits = _hits(shown, fits, request)
    total, more = tried.found.total, tried.found.more
    facets: Mapping[str, tuple[FacetValue, ...]] = {}
    if request.facets:
        facets, counted = _facets(tried, allowed)
        total, more = max(total, counted), counted >= FACET_SAMPLE
    suggestions = _suggestions(question, allowed) if not hits and not request.offset and not request.instant else ()
    return SearchAnswer(
        hits=hits,
        total=total,
        more=more,
        has_next=len(tried.found.ranked) > depth,
        corrected=corrected,
        suggestions=suggestions,
        facets=facets,
        semantic=tried.semantic,
    )


def _by_words(question: Question, allowed: Access, depth: int, request: SearchRequest) -> Found:
    return Found((), 0) if request.mode == "semantic" else engine().find(question, allowed, depth)


def _with_meaning(question: Question, by_words: Found, allowed: Access, request: SearchRequest) -> _Tried:
    telling = [term.word for term in terms(question.all_words) if not term.stop]
    sentence = " ".join(telling) or question.plain_text
    if request.mode == "keyword" or not sentence or not allowed.types:
        return _Tried(question, by_words, semantic=False)
    near = semantic.nearest(sentence, question, allowed)
    if near is None:
        return _Tried(question, by_words, semantic=False)
    if request.mode == "semantic":
        ranked = tuple(Ranked(pk, likeness, {"meaning": likeness}) for pk, likeness in near)
        return _Tried(question, Found(ranked, len(ranked)), semantic=True)
    return _Tried(question, _fused(by_words, near), semantic=True)


def _fused(by_words: Found, near: Sequence[tuple[int, float]]) -> Found:
    """Put both lists together by reciprocal rank. Meaning counts for more where the words were not all found."""
    best = max((item.parts.get("words", 0.0) for item in by_words.ranked[:3]), default=0.0)
    trust = TRUST_BESIDE_WORDS if best > 0.95 else TRUST_ALONE
    scores: dict[int, float] = {}
    parts: dict[int, dict[str, float]] = {}
    top = by_words.ranked[0].score if by_words.ranked else 0.0
    for place, ranked in enumerate(by_words.ranked):
        # The place in the list, and how it compares with the best: a list of equals says little.
        scores[ranked.id] = 1 / (FUSION + place + 1) + SCORE_SHARE * (ranked.score / top if top > 0 else 0.0)
        parts[ranked.id] = dict(ranked.parts)
    for place, (pk, likeness) in enumerate(near):
        scores[pk] = scores.get(pk, 0.0) + trust / (FUSION + place + 1)
        parts.setdefault(pk, {})["meaning"] = likeness
    ordered = sorted(scores, key=lambda pk: (-scores[pk], pk))
    together = tuple(Ranked(pk, scores[pk], parts[pk]) for pk in ordered)
    return Found(together, max(by_words.total, len(together)), by_words.more)


def _as_meant(question: Question) -> Question | None:
    """Answer the question with unknown words replaced by known ones that they may stand for."""
    changed: dict[str, str] = {}
    for term in terms(question.words):
        if not term.known and not term.stop:
            meant = meant_by(term.word, 1)
            if meant:
                changed[term.word] = meant[0]
    if not changed:
        return None
    text = question.text
    for wrong, right in changed.items():
        text = _replaced(text, wrong, right)
    return replace(question, text=text, words=tuple(changed.get(word, word) for word in question.words))


def _replaced(text: str, wrong: str, right: str) -> str:
    place = text.lower().find(wrong)
    return text if place < 0 else text[:place] + right + text[place + len(wrong) :]


def _suggestions(question: Question, allowed: Access) -> tuple[str, ...]:
    """Answer texts that would find something: without a filter, without a word."""
    found: list[str] = []
    postgres = PostgresEngine()
    if question.filters or question.phrases or question.excluded:
        bare = Question(text=" ".join(question.all_words), words=question.all_words, prefix=question.prefix)
        if bare.words and postgres.count(bare, allowed, 1):
            found.append(bare.text)
    if len(question.words) > 1:
        known = [term for term in terms(question.words) if term.known and not term.stop]
        rarest = sorted(known, key=lambda item: item.documents)[:3]
        found += [
            term.word for term in rarest if postgres.count(Question(text=term.word, words=(term.word,)), allowed, 1)
        ]
    return tuple(dict.fromkeys(found))[:3]


def _stems(question: Question) -> Iterable[str]:
    for term in terms(question.all_words):
        if not term.stop or len(question.all_words) == 1:
            yield term.word
            yield from (stem for stem in term.stems if len(stem) > 2)
            yield from synonyms(term.word)


def _hits(shown: Sequence[Ranked], fits: Fits, request: SearchRequest) -> tuple[Hit, ...]:
    rows = {row["id"]: row for row in Document.objects.filter(pk__in=[item.id for item in shown]).values(*_LOADED)}
    found = []
    for item in shown:
        row = rows.get(item.id)
        if row is None:  # gone since it was ranked
            continue
        found.append(
            Hit(
                **row,
                score=item.score,
                passage=(part := passage(row["text"], fits, PASSAGE)),
                highlights=_highlights(row, part, fits, request),
                why=dict(item.parts) if request.explain else {},
            )
        )
    return tuple(found)


def _highlights(row: Mapping[str, Any], part: str, fits: Fits, request: SearchRequest) -> dict[str, str]:
    return {
        "title": marked(row["title"], fits, request.pre_tag, request.post_tag),
        "text": marked(part, fits, request.pre_tag, request.post_tag),
        "location": marked(row["location"], fits, request.pre_tag, request.post_tag),
    }


def _facets(tried: _Tried, allowed: Access) -> tuple[dict[str, tuple[FacetValue, ...]], int]:
    """Count values over everything that has all words, up to a sample; what only means the same counts too."""
    names = tuple(dict.fromkeys((*FACETS, *known_fields())))
    match, params = PostgresEngine().matching(tried.question, allowed)
    near = [item.id for item in tried.found.ranked]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH found AS MATERIALIZED (
              (SELECT d.id FROM cb_index_document d WHERE {match} LIMIT %s)
              UNION SELECT unnest(%s::bigint[])
            ), documents AS (SELECT d.type, d.fields FROM found JOIN cb_index_document d USING (id)),
            said AS (
              SELECT '@type' AS name, type AS value FROM documents
              UNION ALL
              SELECT f.key, v.value #>> '{{}}' FROM documents, jsonb_each(documents.fields) f,
                jsonb_array_elements(CASE jsonb_typeof(f.value) WHEN 'array' THEN f.value
                  ELSE jsonb_build_array(f.value) END) v
              WHERE f.key = ANY(%s)
            ), counted AS (
              SELECT name, value, count(*) AS n,
                row_number() OVER (PARTITION BY name ORDER BY count(*) DESC, value) AS place
              FROM said WHERE value <> '' GROUP BY name, value
            )
            SELECT name, value, n, (SELECT count(*) FROM found) FROM counted WHERE place <= %s ORDER BY name, place""",  # noqa: S608
            [*params, FACET_SAMPLE, near, list(names), FACET_VALUES],
        )
        rows = cursor.fetchall()
    found: dict[str, list[FacetValue]] = {}
    for name, value, count, _ in rows:
        found.setdefault(name, []).append(FacetValue(value, count))
    order = ("@type", *names)
    return {name: tuple(found[name]) for name in order if name in found}, rows[0][3] if rows else 0


__all__ = ["search"]
