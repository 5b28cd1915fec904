#!/usr/bin/env python3
"""Measure documentation: building, looking for changes, and reading.

    python benchmarks/techdocs/run.py                        200 pages, 500 sites
    python benchmarks/techdocs/run.py --pages 50 --sites 20  a quick look

Everything happens in a temporary directory with an embedded PostgreSQL of its own. Building is compared with
`mkdocs build` of the same folder in the same run, each several times in turn. Sites are registered in the
catalog, built and published the way a worker does it. Page views are measured inside one process, from the
request to the last byte of the answer, so without the network. Results go to benchmarks/techdocs/results.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
WORDS = [
    "harbour",
    "lamp",
    "rope",
    "tide",
    "anchor",
    "pilot",
    "deck",
    "signal",
    "crane",
    "ledger",
    "customs",
    "berth",
    "fog",
    "chart",
    "wind",
    "sail",
    "cargo",
    "manifest",
]


def page(number: int, sections: int) -> str:
    """Write a page with what pages have: headings, a table, code, a note, links."""
    parts = [f"# Page {number}\n"]
    for section in range(sections):
        text = " ".join(WORDS[(number * 7 + section * 3 + step) % len(WORDS)] for step in range(120))
        parts.append(f"## Section {section}\n\n{text}. See [the start](index.md).\n")
    parts.append("| Key | Value |\n|---|---|\n" + "\n".join(f"| key {row} | value {row} |" for row in range(8)) + "\n")
    parts.append(
        "```python\ndef answer(question: str) -> int:\n    return len(question)\n```\n\n!!! note\n    Mind the gap.\n"
    )
    return "\n".join(parts)


def write_site(folder: Path, pages: int, sections: int = 6) -> None:
    """Write a documentation folder."""
    (folder / "docs").mkdir(parents=True)
    (folder / "mkdocs.yml").write_text(f"site_name: {folder.name}\nplugins: [techdocs-core]\n")
    (folder / "docs/index.md").write_text("# Start\n\nBegin here.\n")
    for number in range(1, pages):
        (folder / f"docs/page-{number:03}.md").write_text(page(number, sections))


def catalog_file(root: Path, names: list[str]) -> Path:
    """Write one catalog file for all sites."""
    documents = [
        "apiVersion: backstage.io/v1alpha1\nkind: Component\n"
        f"metadata:\n  name: {name}\n  annotations: {{backstage.io/techdocs-ref: 'dir:{name}'}}\n"
        "spec: {type: service, lifecycle: production, owner: nobody}\n"
        for name in names
    ]
    path = root / "catalog-info.yaml"
    path.write_text("---\n".join(documents))
    return path


def plain_build(folder: Path, out: Path) -> float:
    """Build with MkDocs alone, as its own command does, and answer the seconds."""
    command = [sys.executable, "-m", "mkdocs", "build", "-q", "-c", "-f", str(folder / "mkdocs.yml"), "-d", str(out)]
    started = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "true"}, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--sites", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="callboard-docs-bench-") as directory:
        rows = measure(Path(directory), options)
    write(options, rows)


def measure(directory: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run all measurements in ``directory``."""
    directory.chmod(0o755)
    source = directory / "source"
    names = [f"small-{number:03}" for number in range(options.sites)]
    write_site(source / "large", options.pages)
    for name in names:
        write_site(source / name, 4, 2)
    register_in = catalog_file(source, ["large", *names])
    config = directory / "callboard.yaml"
    config.write_text(f"data_dir: {directory / 'data'}\ncatalog: {{reading: {{roots: ['{source}']}}}}\n")
    os.environ["CALLBOARD_CONFIG"] = str(config)
    os.environ.pop("DATABASE_URL", None)
    subprocess.run([Path(sys.executable).parent / "callboard", "migrate"], check=True, stdout=subprocess.DEVNULL)
    from callboard.project.boot import start_django

    start_django()
    try:
        return inside(source, register_in, names, directory, options)
    finally:
        from callboard.plugins.techdocs.clients.builder.process import builder
        from callboard.project.postgres import stop

        builder.close()
        stop(directory / "data")


def inside(
    source: Path, register_in: Path, names: list[str], directory: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Measure with Django set up."""
    from callboard.plugins.catalog.public import process_due, register_location
    from callboard.plugins.techdocs.models import Site
    from callboard.plugins.techdocs.services.building import build_site
    from callboard.sdk.auth import OPERATOR, act_as

    with act_as(OPERATOR, "cli"):
        register_location("file", str(register_in))
        process_due()
    rows: dict[str, Any] = {}

    def build(name: str, *, force: bool = False) -> float:
        said: list[str] = []
        started = time.perf_counter()
        build_site(f"component:default/{name}", "", lambda level, text: said.append(f"{level}: {text}"), force=force)
        seconds = time.perf_counter() - started
        state = Site.objects.values_list("state", flat=True).get(ref=f"component:default/{name}")
        assert state == "built", "\n".join(said)
        return seconds

    build("large")
    plain, ours = [], []
    for turn in range(options.rounds):
        plain.append(plain_build(source / "large", directory / f"plain-{turn}"))
        ours.append(build("large", force=True))
    rows["plain"], rows["ours"] = statistics.median(plain), statistics.median(ours)
    # A file that changed a moment ago is read again; from two seconds on its time stamp is believed.
    time.sleep(2.5)
    build("large")
    rows["unchanged"] = statistics.median(build("large") for _ in range(10))

    def in_thread(name: str) -> float:
        from django.db import connection

        try:
            return build(name)
        finally:
            connection.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(in_thread, names))
    rows["sites"] = time.perf_counter() - started
    rows |= reading(options)
    return rows


def reading(options: argparse.Namespace) -> dict[str, Any]:
    """Measure page views: one reader on pages seen for the first time and again, then sixteen at once."""
    from django.conf import settings
    from django.test import Client

    from callboard.sdk.auth import OPERATOR, act_as, create_user

    settings.ALLOWED_HOSTS = ["*"]
    with act_as(OPERATOR, "cli"):
        user = create_user("reader")
    paths = [f"/docs/default/component/large/page-{number:03}/" for number in range(1, options.pages)]

    def client() -> Client:
        made = Client()
        made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return made

    def view(who: Client, path: str) -> float:
        started = time.perf_counter()
        answer = who.get(path)
        seconds = time.perf_counter() - started
        assert answer.status_code == 200, (path, answer.status_code)
        return seconds

    one = client()
    view(one, paths[0])
    first = [view(one, path) for path in paths[1:]]
    again = [view(one, path) for path in paths[1:]]

    def reader(number: int) -> list[float]:
        from django.db import connection

        who = client()
        try:
            return [view(who, paths[(number * 13 + step) % len(paths)]) for step in range(60)]
        finally:
            connection.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(16) as pool:
        many = [seconds for found in pool.map(reader, range(16)) for seconds in found]
    total = time.perf_counter() - started
    return {
        "first": statistics.median(first),
        "first95": statistics.quantiles(first, n=20)[-1],
        "again": statistics.median(again),
        "again95": statistics.quantiles(again, n=20)[-1],
        "readers95": statistics.quantiles(many, n=20)[-1],
        "views": len(many) / total,
    }


def machine() -> str:
    """Name what was measured on."""
    model = "unknown processor"
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open() as cpuinfo:
        model = next((line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Python {platform.python_version()}, load {load:.1f} at the end"


def write(options: argparse.Namespace, rows: dict[str, Any]) -> None:
    """Write the table and the numbers."""
    overhead = rows["ours"] / rows["plain"] - 1
    table = [
        ("Plain `mkdocs build`, " + f"{options.pages} pages", f"{rows['plain']:.2f} s", ""),
        (
            "The same, gathered, built, published and looked through",
            f"{rows['ours']:.2f} s",
            f"{overhead:+.0%}; under +10 %",
        ),
        ("A look at the same site, unchanged", f"{rows['unchanged'] * 1000:.0f} ms", "under 50 ms"),
        (
            f"{options.sites} sites of 4 pages, two at a time",
            f"{rows['sites']:.1f} s",
            f"{options.sites / rows['sites']:.1f} sites/s",
        ),
        (
            "Page seen for the first time",
            f"{rows['first'] * 1000:.1f} ms",
            f"p95 {rows['first95'] * 1000:.1f} ms; under 30 ms",
        ),
        ("Page seen again", f"{rows['again'] * 1000:.1f} ms", f"p95 {rows['again95'] * 1000:.1f} ms; under 30 ms"),
        (
            "16 readers at once, in one process",
            f"{rows['views']:.0f} views/s",
            f"p95 {rows['readers95'] * 1000:.0f} ms",
        ),
    ]
    lines = [
        "# Documentation, measured",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}",
        "",
        f"`python benchmarks/techdocs/run.py --pages {options.pages} --sites {options.sites} --rounds {options.rounds}`",
        "",
        "| What | Median | |",
        "|---|---|---|",
        *(f"| {what} | {value} | {more} |" for what, value, more in table),
        "",
    ]
    (HERE / "results.md").write_text("\n".join(lines))
    (HERE / "results.json").write_text(
        json.dumps({"pages": options.pages, "sites": options.sites, **rows}, indent=1) + "\n"
    )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
