#!/usr/bin/env python3
"""Measure the portal on this machine: cold start and ingestion, then requests; keep the last result.

    make bench                       10,000 entities
    make bench ARGS="--entities 100000 --seconds 5"

Everything happens in a temporary directory on loopback: a fresh embedded PostgreSQL, one web process,
one worker. The table and the machine it was measured on are written to benchmarks/results-<entities>.md.
Requests need `wrk` (apt install wrk); without it only ingestion is measured, and the result says so.
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
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
CALLBOARD = Path(sys.executable).parent / "callboard"


def free_port() -> int:
    """Answer a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def machine() -> str:
    """Name what was measured on."""
    model = "unknown processor"
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open() as cpuinfo:
        model = next((line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {system}"


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=5, help="of load for each case")
    parser.add_argument("--only", default="", help="cases, separated by commas")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="callboard-bench-") as directory:
        measure(Path(directory), options)


def measure(directory: Path, options: argparse.Namespace) -> None:
    """Run both measurements in ``directory``."""
    directory.chmod(0o755)
    org, data, port = directory / "org", directory / "data", free_port()
    subprocess.run(
        [sys.executable, HERE / "make_org.py", "--entities", str(options.entities), "--out", org], check=True
    )
    config = directory / "callboard.yaml"
    config.write_text(
        f"data_dir: {data}\n"
        f"catalog:\n  reading:\n    roots: [{org}]\n  locations:\n    - type: file\n      target: {org}/all.yaml\n"
    )
    environment = {**os.environ, "CALLBOARD_CONFIG": str(config)}
    environment.pop("DATABASE_URL", None)
    base = f"http://127.0.0.1:{port}"
    up = [str(CALLBOARD), "up", "--no-demo", "--port", str(port)]

    server = subprocess.Popen(up, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started = time.monotonic()
    try:
        wait_until_ready(base, server)
        ready = time.monotonic() - started
        token = subprocess.run(
            [str(CALLBOARD), "token", "create", "bench"], env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()
        summary = json.loads((org / "summary.json").read_text())
        loaded = wait_until_loaded(base, token, summary["entities"], started)
        table = requests_table(base, token, server.pid, options)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    started = time.monotonic()
    server = subprocess.Popen(up, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(base, server)
        again = time.monotonic() - started
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    write_result(options.entities, ready, loaded, again, table)


def wait_until_ready(base: str, server: subprocess.Popen[bytes]) -> None:
    """Return when the portal answers; give up after two minutes."""
    for _ in range(1200):
        if server.poll() is not None:
            sys.exit(f"the portal ended with {server.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{base}/.backstage/health/v1/readiness", timeout=2):
            return
        time.sleep(0.1)
    sys.exit("the portal did not become ready within two minutes")


def wait_until_loaded(base: str, token: str, entities: int, started: float) -> float:
    """Answer the seconds from process start until every entity is in the catalog."""
    url = f"{base}/api/catalog/entities/by-query?limit=0"
    for _ in range(6000):
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            if json.load(answer)["totalItems"] >= entities:
                return time.monotonic() - started
        time.sleep(0.2)
    sys.exit("the catalog was not loaded within twenty minutes")


def requests_table(base: str, token: str, pid: int, options: argparse.Namespace) -> str:
    """Answer the table of the load script, or why there is none."""
    if not shutil.which("wrk"):
        return "wrk is not installed; no requests were measured (apt install wrk)"
    command = [sys.executable, str(HERE / "bench_http.py"), "--base", base, "--token", token, "--pid", str(pid)]
    command += ["--seconds", str(options.seconds), "--rounds", "1", "--warm", "1"]
    if options.only:
        command += ["--only", options.only]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else f"the load script failed:\n{done.stdout}\n{done.stderr}"


def write_result(entities: int, ready: float, loaded: float, again: float, table: str) -> None:
    """Print the result and keep it."""
    text = (
        f"# {entities:,} entities\n\n"
        f'Measured {datetime.now(UTC):%Y-%m-%d} on {machine()} with `make bench ARGS="--entities {entities}"`.\n\n'
        f"| | seconds |\n|---|---|\n| first start until ready | {ready:.1f} |\n"
        f"| first start until every entity is there | {loaded:.1f} |\n| second start until ready | {again:.1f} |\n\n"
        f"```\n{table.strip()}\n```\n"
    )
    (HERE / f"results-{entities}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
