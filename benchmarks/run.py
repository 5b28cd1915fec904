#!/usr/bin/env python3
"""Measure the portal on this machine, from cold start to 16 connections, and keep the last result.

    make bench                          10,000 and 100,000 entities
    make bench ARGS="--huge"            500,000 as well
    make bench ARGS="--sizes 10000 --seconds 2 --only by-name"

Everything happens in a temporary directory on loopback, with a fresh embedded PostgreSQL. The table, the machine
it was measured on, the targets and whether they are reached are printed and written to benchmarks/results.md and
results.json. Requests need `wrk` (apt install wrk, brew install wrk); without it the result says that none were made.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
sys.path.insert(0, str(HERE))
from bench_ingest import INVERSE, cpu_seconds, descendants  # noqa: E402

ORIGINAL = {
    "by-name": 1050, "by-refs-50": 640, "list-20": 125, "filter-order-20": 58, "owned-by-20": 290, "facets": 300,
    "ui-tag-facets": 50, "entities-500": 85, "fulltext-20": 65,
}  # fmt: skip
"""Requests a second of Backstage at 16 connections with 10,000 entities on a machine like the one aimed at."""
TIMES = {
    "by-name": 2, "by-refs-50": 2, "list-20": 10, "filter-order-20": 20, "owned-by-20": 5, "facets": 5,
    "ui-tag-facets": 20, "entities-500": 5, "fulltext-20": 10,
}  # fmt: skip
"""How many times as many are aimed at."""
GROWTH = {"facets": 3.0, "ui-tag-facets": 3.0}
"""How much longer a request may take with ten times as many entities; 1.5 where nothing is said."""
SECONDS = {"ready_again_s": 2, "ingest_s": 7, "unchanged_s": 1, "change_s": 2}
MEMORY_MIB = 250
PAGE_MS = 300


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000", help="numbers of entities, separated by commas")
    parser.add_argument("--huge", action="store_true", help="500,000 entities as well")
    parser.add_argument("--seconds", type=int, default=4, help="of load for each case")
    parser.add_argument("--only", default="", help="cases, separated by commas")
    parser.add_argument("--no-double", action="store_true", help="leave out two webs and two workers")
    parser.add_argument("--out", type=Path, default=HERE, help="where the result is written")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")] + ([500_000] if options.huge else [])
    result: dict = {"machine": machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}", "sizes": {}}
    with tempfile.TemporaryDirectory(prefix="callboard-bench-") as directory:
        Path(directory).chmod(0o755)
        for size in sizes:
            result["sizes"][str(size)] = measure(Path(directory) / str(size), size, options)
        if not options.no_double:
            result["double"] = measure_double(Path(directory) / "double", sizes[0], options)
    text = report(result)
    (options.out / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.out / "results.md").write_text(text)
    print(text)


def machine() -> str:
    """Name what is measured on, and how busy it is."""
    model = "unknown processor"
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open() as cpuinfo:
        model = next((line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {system}, load before the start {os.getloadavg()[0]:.1f}"
    )


class Portal:
    """A portal of its own in a directory, with an organisation to load."""

    def __init__(self, directory: Path, entities: int, extra: str = "") -> None:
        self.org, self.data, self.port = directory / "org", directory / "data", free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.token = ""
        self.extra: list[subprocess.Popen[bytes]] = []
        directory.mkdir()
        directory.chmod(0o755)
        make = [sys.executable, str(HERE / "make_org.py"), "--entities", str(entities), "--out", str(self.org)]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        self.summary = json.loads((self.org / "summary.json").read_text())
        config = directory / "callboard.yaml"
        config.write_text(
            f"data_dir: {self.data}\n{extra}catalog:\n  reading:\n    roots: [{self.org}]\n"
            f"  locations:\n    - type: file\n      target: {self.org}/all.yaml\n"
        )
        self.environment = {**os.environ, "CALLBOARD_CONFIG": str(config)}
        self.environment.pop("DATABASE_URL", None)

    def start(self) -> float:
        """Start it; answer the seconds until it is ready."""
        self.began = time.monotonic()
        command = [str(BIN / "callboard"), "up", "--no-demo", "--port", str(self.port)]
        self.server = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(6000):
            if self.server.poll() is not None:
                sys.exit(f"the portal ended with {self.server.returncode}")
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.base}/healthz", timeout=2):
                ready = time.monotonic() - self.began
                break
            time.sleep(0.02)
        else:
            sys.exit("the portal did not become ready within two minutes")
        if not self.token:
            self.token = self.command("token", "create", "bench", "--scope", "read", "--scope", "write").strip()
        return ready

    def stop(self) -> None:
        """Stop it and wait until its database is gone as well."""
        for process in [*self.extra, self.server]:
            process.send_signal(signal.SIGTERM)
        for process in [*self.extra, self.server]:
            process.wait(60)
        self.extra.clear()
        for _ in range(300):
            if not (self.data / "postgres" / "postmaster.pid").exists():
                return
            time.sleep(0.1)

    def command(self, *arguments: str) -> str:
        """Run a command of the portal and answer what it prints."""
        done = subprocess.run(
            [str(BIN / "callboard"), *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"callboard {' '.join(arguments)} failed: {done.stderr}")
        return done.stdout

    def inside(self, *what: str) -> dict:
        """Measure inside of the portal."""
        done = subprocess.run(
            [sys.executable, "-P", str(HERE / "inside.py"), *what],
            env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"inside.py {' '.join(what)} failed: {done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def ask(self, path: str) -> dict:
        """Answer the JSON at an address of the catalog."""
        request = urllib.request.Request(
            f"{self.base}/api/catalog/{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def wait_until_loaded(self) -> dict:
        """Answer the seconds from process start until every entity, and every relation from both sides, is there."""
        entities = 0.0
        wanted = dict(self.summary["relations"])
        wanted |= {INVERSE[name]: count for name, count in wanted.items() if name in INVERSE}
        facets = "entity-facets?" + "&".join(f"facet=relations.{name}" for name in wanted)
        kinds = "&".join(f"filter=kind={kind.lower()}" for kind in self.summary["counts"])
        while time.monotonic() - self.began < 3600:
            if not entities:
                found = self.ask(f"entities/by-query?limit=0&{kinds}")["totalItems"]
                entities = time.monotonic() - self.began if found >= self.summary["entities"] else 0.0
            else:
                counted = self.ask(facets)["facets"]
                have = {name: sum(x["count"] for x in counted.get(f"relations.{name}", ())) for name in wanted}
                if have == wanted:
                    return {"entities_s": entities, "loaded_s": time.monotonic() - self.began}
            time.sleep(0.25)
        sys.exit("the catalog was not loaded within an hour")

    def pids(self, part: str) -> list[int]:
        """Answer the processes of a part: ``web``, ``work`` or ``supervisor``, with what they started."""
        found = []
        for pid in descendants(self.server.pid):
            with contextlib.suppress(OSError):
                if f"callboard.project.{part}" in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                    found.append(pid)
        return found

    def memory(self) -> dict[str, float]:
        """Answer the MiB of web and worker: resident, and with pages that they share counted once."""
        pids = [*self.pids("web"), *self.pids("work")]
        return {"rss": memory_of(pids, "status", "VmRSS:"), "pss": memory_of(pids, "smaps_rollup", "Pss:")}

    def postgres(self) -> int:
        """Answer the process id of the database server."""
        return int((self.data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def memory_of(pids: list[int], file: str, name: str) -> float:
    """Add up a line of /proc over processes, in MiB."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith(name))
    return total / 1024


def free_port() -> int:
    """Answer a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(directory: Path, size: int, options: argparse.Namespace) -> dict:
    """Measure one size."""
    say(f"{size:,} entities: starting")
    portal = Portal(directory, size)
    found: dict = {"ready_first_s": portal.start()}
    try:
        with Peak(portal) as peak:
            found |= portal.wait_until_loaded()
        found["ingest_s"] = found["loaded_s"] - found["ready_first_s"]
        found["memory_peak"] = peak.found
        found["worker_cpu_s"] = sum(map(cpu_seconds, portal.pids("work")))
        found["postgres_cpu_s"] = cpu_seconds(portal.postgres())
        say(f"{size:,} entities: loaded in {found['loaded_s']:.1f} s")
        found |= portal.inside("unchanged")["unchanged"]
        found["change_s"] = time_of_a_change(portal)
        found["http"] = requests(portal, options)
        found["memory"] = portal.memory()
        found |= portal.inside("pages", "bare_sql")
        if size == int(options.sizes.split(",")[0]):
            found["bare_server"] = bare_server(options)
            found["big_group"] = big_group(portal)
    finally:
        portal.stop()
    found["ready_again_s"] = portal.start()
    portal.stop()
    shutil.rmtree(directory, ignore_errors=True)
    return found


class Peak:
    """Watch the memory of a portal meanwhile."""

    def __init__(self, portal: Portal) -> None:
        self.portal, self.found, self._over = portal, {"rss": 0.0, "pss": 0.0}, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            now = self.portal.memory()
            self.found = {name: max(value, now[name]) for name, value in self.found.items()}


def time_of_a_change(portal: Portal) -> float:
    """Change a file three times; answer the median seconds until the API shows it."""
    name = portal.summary["sample_components"][-1]
    part = next(p for p in sorted((portal.org / "parts").iterdir(), reverse=True) if f'"{name}"' in p.read_text())
    times = []
    for number in range(3):
        text = part.read_text()
        head, _, rest = text.partition(f'  name: "{name}"\n')
        mark = f"Changed {number} at {time.time()}"
        began = time.monotonic()
        part.write_text(f'{head}  name: "{name}"\n' + replace_description(rest, mark))
        while portal.ask(f"entities/by-name/component/default/{name}")["metadata"]["description"] != mark:
            if time.monotonic() - began > 60:
                sys.exit("a changed file was not noticed within a minute")
            time.sleep(0.02)
        times.append(time.monotonic() - began)
    return sorted(times)[1]


def replace_description(text: str, mark: str) -> str:
    """Put another description into the first entity of a text."""
    before, _, rest = text.partition("  description: ")
    return f"{before}  description: {json.dumps(mark)}\n{rest.partition(chr(10))[2]}"


def requests(portal: Portal, options: argparse.Namespace, base: str = "") -> dict:
    """Answer the requests a second of each case, or nothing without wrk."""
    if not shutil.which("wrk"):
        say("wrk is not installed, so no requests are made (apt install wrk)")
        return {}
    raw = portal.data.parent / "raw.json"
    raw.unlink(missing_ok=True)
    command = [
        sys.executable, str(HERE / "bench_http.py"), "--base", base or portal.base, "--token", portal.token,
        "--pid", str(portal.pids("web")[-1]), "--pg-pid", str(portal.postgres()), "--seconds", str(options.seconds),
        "--rounds", "1", "--warm", "1", "--conns", "16", "--raw", str(raw),
        "--only", options.only or ",".join(ORIGINAL),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the load script failed:\n{done.stdout}\n{done.stderr}")
    return {row["case"]: row for row in map(json.loads, raw.read_text().splitlines())}


BARE = """
import sys
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [b"{}"]
Server("x:y", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.WSGI, workers=1, blocking_threads=16,
       websockets=False, log_level=LogLevels.error).serve(target_loader=lambda _: application)
"""


def bare_server(options: argparse.Namespace) -> float:
    """Answer the requests a second of the web server with an application that does nothing."""
    if not shutil.which("wrk"):
        return 0.0
    port = free_port()
    server = subprocess.Popen([sys.executable, "-P", "-c", BARE, str(port)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(1.5)
        done = subprocess.run(
            ["wrk", "-t1", "-c16", f"-d{options.seconds}s", f"http://127.0.0.1:{port}/"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        line = next((text for text in done.stdout.splitlines() if text.startswith("Requests/sec")), "0:0")
        return float(line.split(":")[1])
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def big_group(portal: Portal) -> dict:
    """Register a group of 6,000 members and a person in 150 groups; time what shows them."""
    file = portal.org / "big.yaml"
    head = "---\napiVersion: backstage.io/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\nspec: {}\n"
    docs = [head.format("Group", "crowd", "{type: team, children: []}")]
    docs += [head.format("Group", f"crew-{n}", "{type: team, children: []}") for n in range(150)]
    docs += [head.format("User", f"member-{n}", "{memberOf: [crowd]}") for n in range(5999)]
    crews = ", ".join(["crowd", *(f"crew-{n}" for n in range(150))])
    docs.append(head.format("User", "everywhere", f"{{memberOf: [{crews}]}}"))
    file.write_text("".join(docs))
    began = time.monotonic()
    portal.command("catalog", "import", str(file))
    loaded = time.monotonic() - began
    found = {"load_s": loaded}
    for title, path in (
        ("the group", "entities/by-name/group/default/crowd"),
        ("a person in 151 groups", "entities/by-name/user/default/everywhere"),
        ("20 of its 6,000 members", "entities/by-query?limit=20&filter=relations.memberof=group:default/crowd"),
    ):
        portal.ask(path)
        times = []
        for _ in range(5):
            began = time.monotonic()
            portal.ask(path)
            times.append((time.monotonic() - began) * 1000)
        found[title] = sorted(times)[2]
    found["page of the group"] = portal.inside("pages")["pages"]["the largest group"]["ms"]
    return found


def measure_double(directory: Path, size: int, options: argparse.Namespace) -> dict:
    """Measure two webs and two workers on one database."""
    say("two webs and two workers: starting")
    portal = Portal(directory, size, "server:\n  workers: 2\n")
    ready = portal.start()
    try:
        worker = [str(BIN / "callboard"), "worker"]
        portal.extra.append(
            subprocess.Popen(worker, env=portal.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        found = portal.wait_until_loaded()
        found["ingest_s"] = found["loaded_s"] - ready
        found["http"] = requests(portal, options)
    finally:
        portal.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return found


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(f"{text}\n")


# --- The report -----------------------------------------------------------------


def mark(good: bool) -> str:
    """Say whether a target is reached."""
    return "yes" if good else "**no**"


def report(result: dict) -> str:
    """Write the result as Markdown."""
    sizes = {int(size): found for size, found in result["sizes"].items()}
    small = sizes[min(sizes)]
    lines = ["# Benchmark", "", f"Measured on {result['date']} with `make bench`: {result['machine']}.", ""]
    names = [f"{size:,}" for size in sizes]
    lines += [
        "| seconds | " + " | ".join(names) + " | target | reached |",
        "|---|" + "---|" * (len(names) + 2),
    ]
    for key, title in (
        ("ready_first_s", "first start, makes the database, until ready"), ("ready_again_s", "start until ready"),
        ("entities_s", "first start until all entities are there"), ("loaded_s", "and all relations"),
        ("ingest_s", "loading alone, from ready to complete"), ("unchanged_s", "all files read again, nothing changed"),
        ("change_s", "a changed file is visible"), ("worker_cpu_s", "processor time of the worker"),
        ("postgres_cpu_s", "processor time of PostgreSQL"),
    ):  # fmt: skip
        target = SECONDS.get(key)
        end = f" {target} | {mark(small[key] <= target)} |" if target else " | |"
        lines.append(f"| {title} | " + " | ".join(f"{found[key]:.1f}" for found in sizes.values()) + f" |{end}")
    lines += ["", "| MiB of web and worker | " + " | ".join(names) + " | target | reached |"]
    lines.append("|---|" + "---|" * (len(names) + 2))
    for key, title in (("memory", "after the requests"), ("memory_peak", "peak while loading")):
        for kind, how in (("pss", "shared pages counted once"), ("rss", "resident, added up")):
            end = f" {MEMORY_MIB} | {mark(small[key][kind] <= MEMORY_MIB)} |" if kind == "pss" else " | |"
            lines.append(
                f"| {title}, {how} | " + " | ".join(f"{f[key][kind]:.0f}" for f in sizes.values()) + f" |{end}"
            )
    if small["http"]:
        lines += ["", *requests_table(sizes)]
    lines += ["", "| milliseconds of server time (first · median) | " + " | ".join(names) + f" | under {PAGE_MS} |"]
    lines.append("|---|" + "---|" * (len(names) + 1))
    for title in small["pages"]:
        times = [found["pages"][title] for found in sizes.values()]
        shown = " | ".join(f"{t['first_ms']:.0f} · {t['ms']:.0f}" for t in times)
        lines.append(f"| page: {title} | {shown} | {mark(all(t['ms'] <= PAGE_MS for t in times))} |")
    for title in small["bare_sql"]:
        times = " | ".join(f"{found['bare_sql'][title]:.2f}" for found in sizes.values())
        lines.append(f"| bare SQL: {title} | {times} | |")
    bare = f"{small['bare_server']:,.0f} requests/s"
    lines += ["", f"The bare web server, with an application that does nothing: {bare}."]
    times = [f"{title} {ms:.1f} ms" for title, ms in small["big_group"].items() if title != "load_s"]
    lines += ["", "A group of 6,000 members and a person in 151 groups, loaded beside in "]
    lines[-1] += f"{small['big_group']['load_s']:.1f} s: {', '.join(times)}."
    if "double" in result:
        double = result["double"]
        lines += ["", "Two webs and two workers on the same machine: loading takes "]
        lines[-1] += f"{double['ingest_s']:.1f} s instead of {small['ingest_s']:.1f} s"
        if double["http"]:
            faster = [f"{c} ×{row['rps'] / small['http'][c]['rps']:.2f}" for c, row in double["http"].items()]
            lines[-1] += "; requests/s against one web: " + ", ".join(faster)
        lines[-1] += "."
    return "\n".join(lines) + "\n"


def requests_table(sizes: dict[int, dict]) -> list[str]:
    """Write the requests a second at 16 connections, against the original's and against growth."""
    first, *others = sizes
    heads = [f"{size:,}" for size in sizes]
    lines = [
        "| requests/s at 16 connections | Backstage, 10,000 | " + " | ".join(heads)
        + " | times | target | reached | growth | allowed | kept |",
        "|---|" + "---|" * (len(heads) + 7),
    ]  # fmt: skip
    for case, row in sizes[first]["http"].items():
        rates = [found["http"][case]["rps"] for found in sizes.values()]
        times = row["rps"] / ORIGINAL[case]
        line = f"| {case} | {ORIGINAL[case]:,} | " + " | ".join(f"{rate:,.0f}" for rate in rates)
        line += f" | ×{times:.1f} | ×{TIMES[case]} | {mark(times >= TIMES[case])} |"
        if others:
            growth, allowed = rates[0] / max(rates[1], 0.001), GROWTH.get(case, 1.5)
            line += f" ×{growth:.2f} | ×{allowed} | {mark(growth <= allowed)} |"
        else:
            line += " | | |"
        lines.append(line)
    return lines


if __name__ == "__main__":
    main()
