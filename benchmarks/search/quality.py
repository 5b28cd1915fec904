"""Measure how well search finds: `python benchmarks/search/quality.py`; results go to benchmarks/search/.

Each labelled question is asked by words, by meaning, by both, and of plain PostgreSQL (`websearch_to_tsquery` and
`ts_rank_cd` over title and text, the way most portals do it). It runs in a database of its own that is dropped.
"""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))
DEPTH = 10
RANKERS = ("plain", "plain-or", "keyword", "semantic", "fused")
TITLES = {
    "plain": "plain PostgreSQL, all words",
    "plain-or": "plain PostgreSQL, any word",
    "keyword": "Callboard by words",
    "semantic": "Callboard by meaning",
    "fused": "Callboard, both",
}


def main() -> None:
    from benchmarks.search import setting

    with setting.database("quality"):
        types = fill()
        queries = read_queries()
        rows = [measure(query, types) for query in queries]
    report(rows, setting.machine())


def fill() -> tuple[str, ...]:
    """Load the demo organisation, index everything, compute vectors."""
    from benchmarks.search import corpus

    from callboard.core.registry.contract import SearchCollator
    from callboard.core.registry.store import registry
    from callboard.core.search import collating, semantic
    from callboard.plugins.catalog.public import load_demo
    from callboard.plugins.catalog.services.processing import process_due

    load_demo()
    while process_due():
        pass
    extra = {
        "bench-docs": corpus.documentation,
        "bench-python": corpus.python_topics,
        "bench-messages": corpus.messages,
    }
    for name, documents in extra.items():
        entry = SearchCollator(id=f"bench.{name}", type=name, documents=documents)
        registry._by_type.setdefault(SearchCollator, []).append(("search", entry))
    types = ("software-catalog", "api-definition", *extra)
    for name in types:
        print(collating.rebuild(name), file=sys.stderr)
    collating.count_words()
    state = semantic.probe()
    if not state.on:
        raise SystemExit(f"meaning cannot be measured here: {state.reason}")
    semantic.embed_waiting()
    return types


def read_queries() -> list[tuple[str, str, dict[tuple[str, str], int]]]:
    """Read the labels and make sure that each names a document that is there."""
    from benchmarks.search.corpus import label_key
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT type, key FROM cb_index_document")
        present = set(cursor.fetchall())
    found = []
    missing: list[str] = []
    for line in (HERE / "queries.tsv").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        query, sort, labels = line.split("\t")
        grades: dict[tuple[str, str], int] = {}
        for label in labels.split(";"):
            name, _, grade = label.rpartition("=") if label[-2:-1] == "=" else (label, "", "3")
            kind, key = label_key(name)
            matches = [
                (t, k) for t, k in present if t == kind and (k == key or (t == "bench-messages" and k.startswith(key)))
            ]
            if not matches:
                missing.append(f"{query}: there is no document {kind} {key}")
            for match in matches:
                grades[match] = int(grade)
        found.append((query, sort, grades))
    if missing:
        raise SystemExit("\n".join(missing))
    return found


def measure(entry: tuple[str, str, dict[tuple[str, str], int]], types: tuple[str, ...]) -> dict[str, Any]:
    """Ask one question of every ranker."""
    query, sort, grades = entry
    row: dict[str, Any] = {"query": query, "sort": sort}
    for ranker in RANKERS:
        keys = ask(query, ranker, types)
        gains = [grades.get(key, 0) for key in keys]
        best = sorted(grades.values(), reverse=True)[:DEPTH]
        ideal = sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(best))
        reached = sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(gains))
        first = next((place for place, gain in enumerate(gains, 1) if gain), 0)
        row[ranker] = {"ndcg": reached / ideal, "rr": 1 / first if first else 0.0, "empty": not keys}
    return row


def ask(query: str, ranker: str, types: tuple[str, ...]) -> list[tuple[str, str]]:
    """Answer the first ten documents a ranker gives."""
    from django.db import connection

    from callboard.core.auth.principal import SYSTEM, act_as
    from callboard.core.search.searching import search
    from callboard.core.search.types import SearchRequest

    with connection.cursor() as cursor:
        if ranker.startswith("plain"):
            parsed = "websearch_to_tsquery('english', %s)"
            if ranker == "plain-or":
                parsed = "replace(websearch_to_tsquery('english', %s)::text, '&', '|')::tsquery"
            cursor.execute(
                f"""SELECT type, key FROM (
                  SELECT type, key, id, setweight(to_tsvector('english', title), 'A')
                    || setweight(to_tsvector('english', text), 'B') AS v FROM cb_index_document) AS d,
                  (SELECT {parsed} AS q) AS q
                WHERE v @@ q ORDER BY ts_rank_cd(v, q) DESC, id LIMIT {DEPTH}""",
                [query],
            )
            return cursor.fetchall()
        with act_as(SYSTEM, "system"):
            hits = search(SearchRequest(query, types=types, limit=DEPTH, mode=ranker)).hits
        cursor.execute("SELECT id, type, key FROM cb_index_document WHERE id = ANY(%s)", [[hit.id for hit in hits]])
        keys = {pk: (kind, key) for pk, kind, key in cursor.fetchall()}
    return [keys[hit.id] for hit in hits]


def summary(rows: list[dict[str, Any]], ranker: str) -> dict[str, float]:
    count = len(rows)
    return {
        "ndcg@10": round(sum(row[ranker]["ndcg"] for row in rows) / count, 3),
        "mrr": round(sum(row[ranker]["rr"] for row in rows) / count, 3),
        "zero": round(sum(row[ranker]["empty"] for row in rows) / count, 3),
    }


def report(rows: list[dict[str, Any]], machine: str) -> None:
    """Print the tables and keep them beside the labels."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["sort"]].append(row)
    overall = {ranker: summary(rows, ranker) for ranker in RANKERS}
    by_sort = {sort: {ranker: summary(some, ranker) for ranker in RANKERS} for sort, some in groups.items()}
    lines = [
        f"{len(rows)} labelled questions. {machine}",
        "",
        "| Ranker | NDCG@10 | MRR | nothing found |",
        "|---|---|---|---|",
        *(
            f"| {TITLES[name]} | {value['ndcg@10']:.3f} | {value['mrr']:.3f} | {value['zero']:.1%} |"
            for name, value in overall.items()
        ),
        "",
        "NDCG@10 by sort of question:",
        "",
        "| Sort | n | " + " | ".join(TITLES[name] for name in RANKERS) + " |",
        "|---|---|" + "---|" * len(RANKERS),
        *(
            f"| {sort} | {len(groups[sort])} | "
            + " | ".join(f"{value[name]['ndcg@10']:.3f}" for name in RANKERS)
            + " |"
            for sort, value in by_sort.items()
        ),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE / "quality.md").write_text("# Search quality\n\n`python benchmarks/search/quality.py`\n\n" + text)
    data = {"questions": len(rows), "overall": overall, "by_sort": by_sort}
    (HERE / "quality.json").write_text(json.dumps(data, indent=2) + "\n")
    if "--misses" in sys.argv:
        for row in sorted(rows, key=lambda item: item["fused"]["ndcg"])[:60]:
            print({k: (round(v["ndcg"], 2) if isinstance(v, dict) else v) for k, v in row.items()})


if __name__ == "__main__":
    main()
