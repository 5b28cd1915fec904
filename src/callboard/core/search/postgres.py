"""Find documents with PostgreSQL: few candidates by index, ranked by what tells most, in one statement.

Candidates come from several cheap questions (the very name, all words in the title, all words anywhere, what is
mine), each cut off early; only they are ranked. So a word that half of the documents have costs as little as a
rare one. Where all words together find little, documents that have the rarer of them are candidates too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from django.db import connection

from callboard.core.search.access import Access
from callboard.core.search.preparing import TYPE_FIELD, lexeme, quoted
from callboard.core.search.question import Filter, Question
from callboard.core.search.types import Found, Ranked
from callboard.core.search.vocabulary import Term, document_total, synonyms, terms

CANDIDATES = 200
RANKED = 120
FEW = 10
SORTED_UP_TO = 1_200
"""Up to so many matches are put in order of quality before the cut; of more, the first that are met will do."""
MAX_DEPTH = 10_000


@dataclass(frozen=True)
class Wanted:
    """A word of the question with what finds it and how much it tells."""

    word: str
    query: str
    weight: float
    stop: bool
    documents: int


@dataclass
class Compiled:
    """A question as tsqueries; ``fixed`` is what every result must meet whatever its words.

    ``pairs`` are words that follow each other.
    """

    wanted: list[Wanted]
    fixed: list[str]
    phrase: str = ""
    name: str = ""
    lexemes: list[str] = field(default_factory=list)
    pairs: list[str] = field(default_factory=list)

    @property
    def required(self) -> list[Wanted]:
        """The words that must occur; little words only where there are no others."""
        return [item for item in self.wanted if not item.stop] or self.wanted

    def with_fixed(self, query: str) -> str:
        """Answer a tsquery that also asks for what is fixed."""
        return " & ".join(part for part in (query, *self.fixed) if part)

    def every(self) -> str:
        """All words."""
        return self.with_fixed(" & ".join(item.query for item in self.required))

    def some(self) -> str:
        """Two of the words, or the rarest one alone."""
        required = sorted(self.required, key=lambda item: -item.weight)[:6]
        parts = [f"({a.query} & {b.query})" for a, b in combinations(required, 2)]
        rare = [item for item in required if item.documents <= SORTED_UP_TO][:3]
        parts += [item.query for item in rare]
        return self.with_fixed(f"({' | '.join(parts)})") if parts else ""


def compile_question(question: Question, mine: Sequence[str] = ()) -> Compiled:
    """Turn a question into tsqueries; every lexeme is quoted, so nothing that was typed is an operator."""
    total = document_total()
    found = {term.word: term for term in terms(question.all_words)}
    last = question.words[-1] if question.words and question.prefix else ""
    wanted = []
    lexemes: list[str] = []
    for word in question.words:
        term = found[word]
        alike = [other for name in synonyms(word) for other in terms([name])]
        stems = list(dict.fromkeys((*term.stems, *(stem for other in alike for stem in other.stems))))
        parts = [quoted(stem) for stem in stems]
        if word == last and len(word) > 1:
            parts += [f"{quoted(stem)}:*" for stem in stems if len(stem) > 1]
        documents = max(term.documents, *(other.documents for other in alike), 0) if alike else term.documents
        rated = Term(word, term.stems, term.stop and not alike, documents)
        wanted.append(Wanted(word, f"({' | '.join(parts)})", rated.rarity(total), rated.stop, documents))
        lexemes += stems
    fixed = [_phrase([found[word] for word in phrase]) for phrase in question.phrases]
    lexemes += [stem for phrase in question.phrases for word in phrase for stem in found[word].stems]
    for excluded in question.excluded:
        query = _phrase(terms(excluded))
        fixed.append(f"!({query})")
    fixed += [_filter(item, mine) for item in question.filters]
    if question.types:
        fixed.append(f"({' | '.join(quoted(lexeme(TYPE_FIELD, name)) for name in question.types)})")
    follow = zip(question.words, question.words[1:], strict=False)
    pairs = [_phrase([found[one], found[other]]) for one, other in follow if not (found[one].stop or found[other].stop)]
    fixed = [part for part in fixed if part]
    return Compiled(wanted, fixed, name=" ".join(question.words), lexemes=lexemes, pairs=pairs)


def _phrase(found: Sequence[Term]) -> str:
    """Answer a query for words in a row; little words, which the index does not hold, leave a gap."""
    query, gap = "", 1
    for term in found:
        if term.stop and len(found) > 1:
            gap += 1
            continue
        part = f"({' | '.join(quoted(stem) for stem in term.stems)})"
        query = f"{query} <{min(gap, 100)}> {part}" if query else part
        gap = 1
    return f"({query})" if query else ""


def _filter(item: Filter, mine: Sequence[str]) -> str:
    values: list[str] = []
    for value in item.values:
        values += list(mine) if item.field == "owner" and value.lower() == "me" else [value]
    names = [lexeme(item.field, value) for value in values]
    if item.field == "type":
        names += [lexeme(TYPE_FIELD, value) for value in values]
    either = " | ".join(quoted(name) for name in names) or quoted("=nobody")
    return f"!({either})" if item.excluded else f"({either})"


class PostgresEngine:
    """The engine that is always there: the database the portal keeps its data in."""

    name = "postgres"

    def find(self, question: Question, allowed: Access, depth: int) -> Found:
        """Answer at least the first ``depth`` ids, best first."""
        depth = min(depth, MAX_DEPTH)
        if not allowed.types:
            return Found((), 0)
        compiled = compile_question(question, allowed.owner_refs)
        if not compiled.wanted:
            return self._listed(compiled, allowed, depth)
        cut = max(CANDIDATES, depth)
        found = self._ranked(compiled, allowed, depth, self._strict(compiled, allowed, cut))
        if len(found) < FEW and len(compiled.required) > 1:
            some = compiled.some()
            more = [(f"{column} @@ %s::tsquery", [some], cut, "quality + 0") for column in ("lead", "body")]
            found = self._ranked(compiled, allowed, depth, self._strict(compiled, allowed, cut) + more)
        return Found(tuple(found[:MAX_DEPTH]), len(found), len(found) >= cut)

    def matching(self, question: Question, allowed: Access) -> tuple[str, list[Any]]:
        """Answer the condition that everything meets that has all words, as SQL with parameters."""
        condition, params = allowed.condition()
        compiled = compile_question(question, allowed.owner_refs)
        query = compiled.every() if compiled.wanted else compiled.with_fixed("")
        return (f"{condition} AND d.body @@ %s::tsquery", [*params, query]) if query else (condition, params)

    def count(self, question: Question, allowed: Access, limit: int) -> int:
        """Count the documents that have all words, up to ``limit``."""
        match, params = self.matching(question, allowed)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM (SELECT 1 FROM cb_index_document d WHERE {match} LIMIT %s) AS c",  # noqa: S608
                [*params, limit],
            )
            return int(cursor.fetchone()[0])

    def _strict(self, compiled: Compiled, allowed: Access, cut: int) -> list[tuple[str, list[Any], int, str]]:
        every = compiled.every()
        fewest = min(item.documents or SORTED_UP_TO for item in compiled.required)
        order = "quality + 0" if fewest <= SORTED_UP_TO else ""
        branches: list[tuple[str, list[Any], int, str]] = [
            ("lead @@ %s::tsquery", [every], cut, order),
            ("body @@ %s::tsquery", [every], cut, order),
        ]
        fixed = compiled.with_fixed("")
        exact, values = "name = %s", [compiled.name]
        if fixed:
            exact, values = "name = %s AND d.body @@ %s::tsquery", [compiled.name, fixed]
        branches.append((exact, values, 50, ""))
        if allowed.owner_refs and fewest > CANDIDATES:
            branches.append(
                ("body @@ %s::tsquery AND d.owner_ref = ANY(%s)", [every, list(allowed.owner_refs)], 60, "")
            )
        return branches

    def _listed(self, compiled: Compiled, allowed: Access, depth: int) -> Found:
        """Answer documents that meet the filters, the best known first, where no word is asked for."""
        condition, params = allowed.condition()
        query = compiled.with_fixed("")
        match, values = ("AND d.body @@ %s::tsquery", [query]) if query else ("", [])
        with connection.cursor() as cursor:
            cursor.execute(
                f"""SELECT d.id, d.quality FROM cb_index_document d WHERE {condition} {match}
                ORDER BY d.quality DESC, d.id LIMIT %s""",  # noqa: S608
                [*params, *values, depth + 1],
            )
            rows = cursor.fetchall()
        ranked = tuple(Ranked(pk, quality, {"quality": quality}) for pk, quality in rows)
        return Found(ranked, len(ranked), len(ranked) > depth)

    def _ranked(
        self,
        compiled: Compiled,
        allowed: Access,
        depth: int,
        branches: Sequence[tuple[str, list[Any], int, str]],
    ) -> list[Ranked]:
        condition, access_params = allowed.condition()
        parts: list[str] = []
        params: list[Any] = []
        for match, values, limit, order in branches:
            ordered = f"ORDER BY d.{order} DESC" if order else ""
            parts.append(
                f"(SELECT d.id FROM cb_index_document d WHERE d.{match} AND {condition} {ordered} LIMIT {int(limit)})"  # noqa: S608
            )
            params += [*values, *access_params]
        scoring, scoring_params = _scoring(compiled, allowed)
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH c AS MATERIALIZED ({' UNION '.join(parts)}) {scoring} LIMIT %s",
                [*params, *scoring_params, max(RANKED, depth + 1)],
            )
            rows = cursor.fetchall()
        return [
            Ranked(
                pk,
                score,
                {
                    "words": words,
                    "title": title,
                    "text": text,
                    "near": near,
                    "exact": exact,
                    "mine": mine,
                    "fresh": fresh,
                    "quality": quality,
                },
            )
            for pk, score, words, title, text, near, exact, mine, fresh, quality in rows
        ]


def _scoring(compiled: Compiled, allowed: Access) -> tuple[str, list[Any]]:
    """Answer the statement that scores candidates, each part of the score a column of its own."""
    wanted = [item for item in compiled.wanted if not item.stop] or compiled.wanted
    wanted = sorted(wanted, key=lambda item: -item.weight)[:8]
    total = sum(item.weight for item in wanted) or 1.0
    shares = [item.weight / total for item in wanted]
    params: list[Any] = [item.query for item in wanted]
    queries = ", ".join(f"%s::tsquery AS q{i}" for i in range(len(wanted)))
    # Each occurrence adds less than the one before, and long texts must say it more often.
    text = " + ".join(f"{share:.4f} * (r{i} / (r{i} + 0.08))" for i, share in enumerate(shares))
    words = " + ".join(f"{share:.4f} * (r{i} > 0)::int" for i, share in enumerate(shares))
    title = " + ".join(f"{share:.4f} * (d.lead @@ q.q{i})::int" for i, share in enumerate(shares))
    pairs = compiled.pairs[:3]
    near = " + ".join(f"(d.body @@ q.n{i})::int" for i in range(len(pairs))) or "0"
    queries += "".join(f", %s::tsquery AS n{i}" for i in range(len(pairs)))
    params += pairs
    ranks = ", ".join(f"ts_rank('{{0.1,0.3,0.7,1.0}}', d.body, q.q{i}, 1) AS r{i}" for i in range(len(wanted)))
    params += [compiled.name, list(allowed.owner_refs)]
    statement = f"""
    SELECT id, (words * words * (0.50 * title * brevity + 0.40 * text + 0.12 * near) + 0.20 * exact + 0.10 * within
             + 0.05 * mine + 0.03 * fresh)
             * (0.4 + 0.6 * quality) AS score,
           words, title, text, near, exact, mine, fresh, quality
    FROM (
      SELECT id, near, within, ({words})::float AS words, ({text})::float AS text, title::float AS title,
        brevity, exact, mine, fresh, quality
      FROM (
        SELECT d.id, {ranks}, {title} AS title,
          0.6 + 0.4 * least(1.0,
            {len(compiled.wanted)}::float / greatest(1, array_length(string_to_array(d.name, ' '), 1))) AS brevity,
          ({near})::float / {max(1, len(pairs))} AS near, (position(q.name IN d.name) > 0)::int::float AS within,
          (d.name = q.name)::int::float AS exact, (d.owner_ref = ANY(%s))::int::float AS mine,
          coalesce(exp(-extract(epoch FROM now() - d.changed_at) / 7776000.0), 0.3)::float AS fresh, d.quality
        FROM c JOIN cb_index_document d USING (id), (SELECT {queries}, %s AS name) AS q
      ) AS matched
    ) AS rated
    ORDER BY score DESC, id"""  # noqa: S608
    # The owner's refs stand before the queries in the statement.
    owners = params.pop()
    return statement, [owners, *params]


__all__ = ["Compiled", "PostgresEngine", "Wanted", "compile_question"]
