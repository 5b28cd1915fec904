"""A portal with the demo organisation, running for real: own data directory, own database, own worker."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from callboard.project.postgres import stop

COMMAND = [sys.executable, "-P", "-c", "from callboard.project.cli import main; main()"]


@dataclass
class Portal:
    url: str
    place: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment,
            cwd=self.place,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def waits_for(self, path: str, token: str, text: str, seconds: float = 60) -> None:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {token}"})
        end = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    found = answer.read().decode()
            except (urllib.error.URLError, OSError) as error:
                found = str(error)
            if text in found:
                return
            assert time.monotonic() < end, f"{path} never answered {text}: {found[:500]}"
            time.sleep(0.1)


@contextmanager
def running_portal(config: str = "", *options: str) -> Iterator[Portal]:
    """Run `callboard up` until the block ends."""
    place = Path(tempfile.mkdtemp(prefix="cb-compat-", dir="/tmp"))
    place.chmod(0o711)
    (place / "callboard.yaml").write_text(config)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CALLBOARD_", "DATABASE_URL", "DJANGO_"))}
    environment = {
        **clean,
        "CALLBOARD_DATA_DIR": str(place / "data"),
        "CALLBOARD_CONFIG": str(place / "callboard.yaml"),
    }
    log = (place / "log").open("w+")
    process = subprocess.Popen(
        [*COMMAND, "up", "--port", str(port), "--workers", "1", *options],
        env=environment,
        cwd=place,
        stdout=log,
        stderr=log,
    )
    try:
        end = time.monotonic() + 120
        while "is ready" not in (place / "log").read_text():
            assert process.poll() is None, (place / "log").read_text()
            assert time.monotonic() < end, (place / "log").read_text()
            time.sleep(0.1)
        yield Portal(f"http://127.0.0.1:{port}", place, environment)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
        stop(place / "data")
        shutil.rmtree(place, ignore_errors=True)
