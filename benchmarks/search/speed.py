"""Measure how fast search is: `python benchmarks/search/speed.py [--entities 100000 --sections 50000 --seconds 8]`.

An index of made-up entities and sections of documentation is written the way collators write it, then asked over HTTP by
16 connections (`wrk`) while the CPU time of web and database is counted, which a busy machine disturbs less than the
clock. While everything is listed anew, reads go on and are measured as well. Results go to benchmarks/search/.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

_WORDS = """account adapter alert archive audit basket batch billing booking bridge budget builder cache calendar card
catalog checkout client cluster compliance config consumer contract customer dashboard delivery device discount
dispatch edge email engine event export feed fraud fulfilment gateway geo identity importer index ingest
insight inventory invoice journal ledger loyalty mail market media menu merchant message metric monitor
notification offer onboarding order partner payments payout pipeline planner policy portal pricing product
profile promotion queue quote ranking receipt refund registry report reservation returns reward risk routing
schedule search session settlement shipping signal stock stream subscription support tax telemetry tenant
ticket token tracking transfer user vault vendor video wallet warehouse webhook workflow"""
WORDS = _WORDS.split()
ROLES = ("api", "service", "worker", "gateway", "ui", "store", "sync", "job", "proxy", "bot")
QUERIES = ("ledger", "refund", "payments", "gateway", "payments gateway", "invoice worker", "how to search the invoice ledger",
           "order refund service", "kind:api pricing", "reset the vault token", "warehou", "settlement report")  # fmt: skip
LUA = """
local paths = { %s }
local i = %d
request = function()
  i = i %% #paths + 1
  return wrk.format("GET", paths[i], { ["Authorization"] = "Bearer %s" })
end
done = function(summary, latency)
  io.write(string.format("RESULT %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(95), latency:percentile(99), summary.errors.status + summary.errors.read + summary.errors.timeout))
end
"""


def entities(count: int) -> Iterator[Any]:
    """Yield made-up entities, as the catalog lists them."""
    from callboard.sdk.contributions import SearchDocument

    dice = random.Random(7)
    for number in range(count):
        one, other = dice.choice(WORDS), dice.choice(WORDS)
        kind = ("Component", "Component", "Component", "API", "Resource", "System")[number % 6]
        name = f"{one}-{other}-{dice.choice(ROLES)}-{number}"
        owner = f"group:default/team-{number % 500}"
        yield SearchDocument(
            title=name,
            text=f"The {one} of {other}: {' '.join(dice.choices(WORDS, k=12))}.",
            location=f"/catalog/default/{kind.lower()}/{name}",
            ref=f"{kind.lower()}:default/{name}",
            authorization_ref=f"{kind.lower()}:default/{name}",
            owner=owner,
            keywords=f"{kind} service java",
            weight=1.2 if kind == "Component" else 1.0,
            fields={"kind": kind, "namespace": "default", "type": "service", "lifecycle": "production", "owner": owner},
        )


def sections(count: int) -> Iterator[Any]:
    """Yield made-up sections of documentation, some 120 words each."""
    from callboard.sdk.contributions import SearchDocument

    dice = random.Random(11)
    little = ["the", "of", "a", "to", "in", "is", "for", "with", "on", "that", "this", "when"]
    for number in range(count):
        body = " ".join(w for _ in range(60) for w in (dice.choice(little), dice.choice(WORDS)))
        yield SearchDocument(
            title=f"How to {dice.choice(WORDS)} the {dice.choice(WORDS)}",
            text=body,
            location=f"/docs/default/component/c{number // 40}/page#{number}",
            ref=f"component:default/c{number // 40}",
            fields={"kind": "Component", "page": f"page {number // 8}"},
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--sections", type=int, default=50_000)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing: apt-get install wrk")
    from benchmarks.search import setting

    with setting.database("speed"):
        results = run(options)
        results["machine"] = setting.machine()
    report(results)


def run(options: argparse.Namespace) -> dict[str, Any]:
    from django.db import connection

    from callboard.core.registry.contract import SearchCollator
    from callboard.core.registry.store import registry
    from callboard.core.search import collating, semantic
    from callboard.sdk.auth import create_token

    entries = {
        "software-catalog": SearchCollator(
            id="b.e", type="software-catalog", documents=lambda: entities(options.entities)
        ),
        "api-definition": SearchCollator(id="b.d", type="api-definition", documents=lambda: sections(options.sections)),
    }
    registry._by_type[SearchCollator] = [("search", entry) for entry in entries.values()]
    results: dict[str, Any] = {"entities": options.entities, "sections": options.sections}
    began, cpu = time.monotonic(), time.process_time()
    done = [collating.rebuild(name) for name in entries]
    seconds = time.monotonic() - began
    written = sum(item.written for item in done)
    results["index"] = {
        "documents": written,
        "seconds": round(seconds, 1),
        "per_second": round(written / seconds),
        "python_cpu_seconds": round(time.process_time() - cpu, 1),
    }
    collating.count_words()
    state = semantic.probe()
    if state.on:
        began = time.monotonic()
        vectors = semantic.embed_waiting()
        results["vectors"] = {"documents": vectors, "per_second": round(vectors / (time.monotonic() - began))}
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE cb_index_document")
        cursor.execute("VACUUM ANALYZE cb_index_word")
    began = time.monotonic()
    for name in entries:
        collating.rebuild(name)
    results["unchanged_seconds"] = round(time.monotonic() - began, 1)
    _, token = create_token("bench", ["read"], None)
    with portal() as (url, pid):
        results["asked"] = load(url, token, pid, options)
        results["asked_again"] = load(url, token, pid, options, repeated=True)
        stop = threading.Event()
        thread = threading.Thread(target=keep_rebuilding, args=(tuple(entries), stop))
        thread.start()
        results["asked_during_rebuild"] = load(url, token, pid, options)
        stop.set()
        thread.join()
    return results


def keep_rebuilding(types: tuple[str, ...], stop: threading.Event) -> None:
    """Write everything anew until told to stop."""
    from django.db import connection

    from callboard.core.auth.principal import SYSTEM, act_as
    from callboard.core.search import collating

    def check(*_: Any) -> None:
        if stop.is_set():
            raise InterruptedError

    with act_as(SYSTEM, "system"):
        while not stop.is_set():
            for name in types:
                try:
                    collating.rebuild(name, check, anew=True)
                except (collating.SearchIndexError, InterruptedError):
                    break
    connection.close()


class portal:  # noqa: N801 - read as a word at the call
    """A web process of its own on the measured database."""

    def __enter__(self) -> tuple[str, int]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "callboard.project.web", "127.0.0.1", str(self.port), "1", "16"],
            env={**os.environ, "CALLBOARD_LOG_LEVEL": "error"},
            stdout=self.log,
            stderr=self.log,
        )
        url = f"http://127.0.0.1:{self.port}"
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/healthz", timeout=5)
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)
            else:
                break
        return url, self.process.pid

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def cpu_seconds(pid: int) -> float:
    import psutil

    total = 0.0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def postmaster() -> int:
    import psutil
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process(cursor.fetchone()[0]).ppid()


def load(url: str, token: str, pid: int, options: argparse.Namespace, *, repeated: bool = False) -> dict[str, Any]:
    """Ask 1,100 different questions, or a dozen over and over, as people who type the same do."""
    texts = QUERIES if repeated else [f"{one} {other}" for one in WORDS for other in ROLES]
    random.Random(3).shuffle(texts := list(texts))
    paths = [f"/api/search/query?term={urllib.parse.quote(text)}" for text in texts]
    for path in paths[:12]:
        request = urllib.request.Request(url + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            assert json.load(answer)["results"], path
    listed = ", ".join(json.dumps(path) for path in paths)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA % (listed, 0, token))
        script.flush()
        database = postmaster()
        before = cpu_seconds(pid), cpu_seconds(database)
        threads = min(2, options.connections)
        done = subprocess.run(
            [
                "wrk",
                "-t",
                str(threads),
                "-c",
                str(options.connections),
                "-d",
                f"{options.seconds}s",
                "-s",
                script.name,
                url,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        after = cpu_seconds(pid), cpu_seconds(database)
    line = next(item for item in done.stdout.splitlines() if item.startswith("RESULT"))
    requests, duration, p50, p95, p99, errors = (int(part) for part in line.split()[1:])
    return {
        "requests": requests,
        "per_second": round(requests / (duration / 1e6)),
        "p50_ms": round(p50 / 1000, 1),
        "p95_ms": round(p95 / 1000, 1),
        "p99_ms": round(p99 / 1000, 1),
        "errors": errors,
        "web_cpu_ms": round(1000 * (after[0] - before[0]) / max(1, requests), 2),
        "database_cpu_ms": round(1000 * (after[1] - before[1]) / max(1, requests), 2),
    }


def report(results: dict[str, Any]) -> None:
    rows = [
        ("different questions", results["asked"]),
        ("a dozen questions over and over", results["asked_again"]),
        ("different questions while everything is written anew", results["asked_during_rebuild"]),
    ]
    lines = [
        f"{results['entities']:,} entities and {results['sections']:,} sections. {results['machine']}",
        "",
        f"Indexing: {results['index']['per_second']:,} documents/s; vectors: {results.get('vectors', {}).get('per_second', 0):,}/s; listing everything without a change: {results['unchanged_seconds']} s.",
        "",
        "| 16 connections | requests/s | p50 ms | p95 ms | web CPU ms | database CPU ms | errors |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {title} | {row['per_second']} | {row['p50_ms']} | {row['p95_ms']} | {row['web_cpu_ms']} | "
            f"{row['database_cpu_ms']} | {row['errors']} |"
            for title, row in rows
        ),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    name = f"speed-{results['entities']}"
    (HERE / f"{name}.md").write_text("# Search speed\n\n`python benchmarks/search/speed.py`\n\n" + text)
    (HERE / f"{name}.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
