"""Start one portal the way a person does, talk to it as a script would, and see that it leaves nothing behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from callboard.project.postgres import stop
from tests.plugins.installing import install

COMMAND = [sys.executable, "-P", "-c", "from callboard.project.cli import main; main()"]
DEMO_ENTITIES = 170
ADMINISTRATOR, PASSWORD = "root", "correct horse battery staple"
# What the tests serve stands on loopback, where a portal goes only if it is told to.
CONFIG = """\
catalog:
  reading:
    allow: ["127.0.0.1"]
webhooks:
  allow: ["127.0.0.1"]
signin:
  providers:
    idp:
      type: oidc
      title: Acme
      issuer: http://127.0.0.1:{idp}
      client_id: portal
      client_secret: a secret between the portal and the provider
dummy:
  greeting: Ahoy
"""


def eventually(check: Callable[[], Any], seconds: float = 20, what: str = "it") -> Any:
    """Wait until a question has an answer that is true, and give that."""
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
    return found


@dataclass
class Answer:
    """What came back over HTTP: the status, and the body as text."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Portal:
    """A running portal, its directory, and the token of a script that may do everything."""

    url: str
    place: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    token: str = ""
    idp_port: int = 0
    family: list[psutil.Process] = field(default_factory=list)

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run `callboard` beside the portal and give what it printed."""
        done = subprocess.run(
            [*COMMAND, *arguments], env=self.environment, cwd=self.place, input=stdin,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"callboard {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def asks(self, path: str, token: str = "") -> Answer:
        """Fetch something with a token."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers), timeout=20) as answer:
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())

    def count(self) -> int:
        """How many entities there are."""
        answer = self.asks("/api/catalog/entities/by-query?limit=0")
        assert answer.status == 200, answer.text
        return int(answer.json["totalItems"])

    def said(self) -> str:
        """Everything the portal wrote to its terminal."""
        return (self.place / "log").read_text()

    def remember_family(self) -> None:
        """Note every process that belongs to the portal, the database's too."""
        own = psutil.Process(self.process.pid).children(recursive=True)
        below = str(self.place)
        others = []
        for process in psutil.process_iter():
            try:
                if any(below in word for word in process.cmdline()):
                    others += [process, *process.children(recursive=True)]
            except psutil.Error:  # it ended, or belongs to somebody else
                continue
        self.family = list({p.pid: p for p in [*own, *others]}.values())

    def end(self) -> int:
        """Press Ctrl-C and give the exit status."""
        self.remember_family()
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def survivors(self) -> list[str]:
        """Answer the processes of the portal that are still there."""
        _gone, alive = psutil.wait_procs(self.family, timeout=5)
        return [f"{p.pid} {p.name()}" for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_portal() -> Iterator[Portal]:
    """Run `callboard up --demo` with one plugin from outside, an administrator and a token."""
    place = Path(tempfile.mkdtemp(prefix="cb-e2e-", dir="/tmp"))
    place.chmod(0o711)
    idp_port = _free_port()
    (place / "callboard.yaml").write_text(CONFIG.replace("{idp}", str(idp_port)))
    site = place / "site"
    install(site, "dummy")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CALLBOARD_", "DATABASE_URL", "DJANGO_"))}
    environment = {
        **clean,
        "PYTHONPATH": str(site),
        "CALLBOARD_DATA_DIR": str(place / "data"),
        "CALLBOARD_CONFIG": str(place / "callboard.yaml"),
        "XDG_CACHE_HOME": str(place / "cache"),
    }
    port = _free_port()
    log = (place / "log").open("wb")
    process = subprocess.Popen(
        [*COMMAND, "up", "--demo", "--port", str(port), "--data-dir", str(place / "data")],
        env=environment, cwd=place, stdout=log, stderr=log,
    )  # fmt: skip
    portal = Portal(f"http://127.0.0.1:{port}", place, environment, process, idp_port=idp_port)
    try:
        _wait_until_full(portal)
        yield portal
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        log.close()
        stop(place / "data")
        shutil.rmtree(place, ignore_errors=True)


def _wait_until_full(portal: Portal) -> None:
    def ready() -> bool:
        assert portal.process.poll() is None, portal.said()
        return "is ready" in portal.said()

    eventually(ready, 120, "the start of the portal")
    portal.command(
        "user",
        "create",
        ADMINISTRATOR,
        "--administrator",
        "--name",
        "Rita Root",
        "--password-stdin",
        stdin=f"{PASSWORD}\n",
    )
    portal.token = portal.command("token", "create", "e2e", "--scope", "admin")
    eventually(lambda: portal.count() >= DEMO_ENTITIES, 60, "loading the demo organisation")
