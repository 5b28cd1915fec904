"""Start real portals for tests that break them: `callboard up`, or its parts beside a server of Debian's."""

from __future__ import annotations

import http.cookiejar
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import psutil

from callboard.project.postgres import ensure_running, stop
from tests.e2e.portal import ADMINISTRATOR, COMMAND, PASSWORD, Portal, _free_port, eventually

BIN = Path("/usr/lib/postgresql/15/bin")
CONFIG = """\
catalog:
  refresh_minutes: 30
  reading:
    allow: ["127.0.0.1"]
    timeout_seconds: 3
"""


def component(name: str, owner: str = "group:apples", more: str = "") -> str:
    return (
        "apiVersion: backstage.io/v1alpha1\nkind: Component\n"
        f"metadata: {{name: {name}}}\nspec: {{type: service, lifecycle: production, owner: '{owner}'{more}}}\n"
    )


def fleet(place: Path, files: int, each: int) -> Path:
    """Write a Location that names many files with many entities each; answer its path."""
    place.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        text = "---\n".join(
            component(f"c{number}-{n}", more=f", dependsOn: ['component:c{number}-0']") for n in range(each)
        )
        (place / f"f{number}.yaml").write_text(text)
    listed = "".join(f"    - ./f{number}.yaml\n" for number in range(files))
    head = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: fleet}\nspec:\n  targets:\n"
    (place / "all.yaml").write_text(head + listed)
    return place / "all.yaml"


def components(portal: Portal) -> int:
    """How many components there are; -1 while nobody answers."""
    try:
        answer = portal.asks("/api/catalog/entities/by-query?limit=0&filter=kind=component")
    except OSError:
        return -1
    return int(answer.json["totalItems"]) if answer.status == 200 else -1


def settled(portal: Portal, count: int, seconds: float = 60) -> None:
    """Wait until there are so many components; see that none is there twice, and none has a second version."""
    eventually(lambda: components(portal) == count, seconds, f"{count} components")
    sql = portal_sql(portal)
    assert sql("SELECT count(*) - count(DISTINCT ref) FROM cb_catalog_entity") == "0"
    assert sql("SELECT count(*) FROM cb_catalog_version WHERE ref LIKE 'component:%'") == "0"
    assert sql("SELECT count(*) FROM cb_catalog_tombstone") == "0"
    assert (
        sql(
            "SELECT count(*) FROM cb_catalog_entity e LEFT JOIN cb_catalog_body b ON b.entity_id = e.id WHERE b IS NULL"
        )
        == "0"
    )


def portal_sql(portal: Portal):
    import psycopg

    url = portal.environment.get("DATABASE_URL") or ensure_running(portal.place / "data")

    def ask(text: str) -> str:
        # What a test asks right after a kill may come before the server is back.
        connection = eventually(lambda: _connected(psycopg, url), 60, "the database")
        with connection:
            row = connection.execute(text).fetchone()
        return "" if row is None else str(row[0])

    return ask


def _connected(psycopg, url):
    try:
        return psycopg.connect(url, connect_timeout=5)
    except psycopg.OperationalError:
        return None


def page(portal: Portal, path: str) -> str:
    """What an administrator reads on a page."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = opener.open(portal.url + "/sign-in", timeout=20).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
    fields = {"csrfmiddlewaretoken": token, "login": ADMINISTRATOR, "password": PASSWORD}
    request = urllib.request.Request(
        portal.url + "/sign-in", urllib.parse.urlencode(fields).encode(), {"Referer": portal.url}
    )
    opener.open(request, timeout=20)
    html = opener.open(portal.url + path, timeout=20).read().decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def children(portal: Portal, word: str) -> list[psutil.Process]:
    """The processes below `callboard up` whose command line has a word."""
    found = []
    for process in psutil.Process(portal.process.pid).children(recursive=True):
        try:
            if word in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill(portal: Portal, word: str) -> None:
    """kill -9 the processes of a part."""
    victims = children(portal, word)
    assert victims, f"no process of {word}"
    for process in victims:
        process.send_signal(signal.SIGKILL)


def clean_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("CALLBOARD_", "DATABASE_URL", "DJANGO_"))}


@contextmanager
def portal_at(place: Path, config: str = CONFIG, **more: str) -> Iterator[Portal]:
    """Run `callboard up` in a directory, with an administrator and a token."""
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o711)
    (place / "callboard.yaml").write_text(config)
    environment = {
        **clean_environment(),
        "CALLBOARD_DATA_DIR": str(place / "data"),
        "CALLBOARD_CONFIG": str(place / "callboard.yaml"),
        "XDG_CACHE_HOME": str(place / "cache"),
        **more,
    }
    port = _free_port()
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            [*COMMAND, "up", "--port", str(port), "--data-dir", str(place / "data")],
            env=environment, cwd=place, stdout=log, stderr=log,
        )  # fmt: skip
        portal = Portal(f"http://127.0.0.1:{port}", place, environment, process)
        try:
            eventually(lambda: process.poll() is not None or "is ready" in portal.said(), 90, "the start of the portal")
            assert process.poll() is None, portal.said()
            if not (place / "token").exists():
                words = ("user", "create", ADMINISTRATOR, "--administrator", "--name", "Rita Root", "--password-stdin")
                portal.command(*words, stdin=f"{PASSWORD}\n")
                (place / "token").write_text(portal.command("token", "create", "survival", "--scope", "admin"))
            portal.token = (place / "token").read_text()
            yield portal
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if "DATABASE_URL" not in environment:
                stop(place / "data")


@contextmanager
def somewhere() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="cb-survival-", dir="/tmp"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Server:
    """A PostgreSQL 15 of Debian's that a test may stop and start."""

    def __init__(self, place: Path) -> None:
        self.data = place / "pg15"
        self.port = _free_port()
        self.data.mkdir()
        shutil.chown(self.data, "postgres", "postgres")
        self._run("initdb", "-A", "trust", "-U", "callboard", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        self.start()
        self.make("callboard")

    @property
    def url(self) -> str:
        return self.url_of("callboard")

    def url_of(self, name: str) -> str:
        return f"postgresql://callboard@127.0.0.1:{self.port}/{name}"

    def make(self, name: str) -> None:
        words = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "callboard", name)
        subprocess.run([BIN / "createdb", *words], check=True, capture_output=True)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.data} -c fsync=on"
        self._run("pg_ctl", "-w", "-l", str(self.data / "log"), "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        self._run("pg_ctl", "-w", "-m", how, "stop")

    def _run(self, program: str, *words: str) -> None:
        command = ["runuser", "-u", "postgres", "--", str(BIN / program), "-D", str(self.data), *words]
        subprocess.run(command, check=True, capture_output=True, cwd="/")


@contextmanager
def part(portal_environment: dict[str, str], place: Path, name: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one part of a portal: a web or a worker."""
    with (place / f"{name}.log").open("ab") as log:
        process = subprocess.Popen([*COMMAND, *words], env=portal_environment, cwd=place, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
