"""`callboard up` with real processes: it starts, mends itself, and leaves nothing behind."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from callboard.project.postgres import status, stop


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(check, seconds=40):
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


class Portal:
    """A portal with a data directory and a port of its own."""

    def __init__(self, place):
        self.data_dir = place / "data"
        self.port = free_port()
        self.log = place / "log"
        self.process = None
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("CALLBOARD_", "DATABASE_URL"))}
        self.environment = {
            **clean,
            "CALLBOARD_DATA_DIR": str(self.data_dir),
            "XDG_CACHE_HOME": str(place / "cache"),
        }
        self.cwd = place

    def command(self, *arguments, **options):
        return subprocess.run(
            [sys.executable, "-P", "-c", "from callboard.project.cli import main; main()", *arguments],
            env=self.environment, cwd=self.cwd, capture_output=True, text=True, timeout=120, check=False, **options,
        )  # fmt: skip

    def start(self, *arguments):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", "from callboard.project.cli import main; main()",
                 "up", "--port", str(self.port), *arguments],
                env=self.environment, cwd=self.cwd, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(lambda: "is ready" in self.said() or self.process.poll() is not None, 120)
        assert self.process.poll() is None, self.said()

    def said(self):
        return self.log.read_text()

    def answers(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/.backstage/health/v1/readiness")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def family(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, module):
        """The direct child that runs a module."""
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):  # it may end while it is looked at
                if f"callboard.project.{module}" in child.cmdline():
                    return child
        return None

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        stop(self.data_dir)


@pytest.fixture(scope="module")
def portal():
    place = Path(tempfile.mkdtemp(prefix="cb-up-", dir="/tmp"))
    place.chmod(0o711)
    made = Portal(place)
    yield made
    made.end()
    shutil.rmtree(place)


def test_a_fresh_data_directory_becomes_a_portal_that_answers(portal):
    portal.start()
    assert portal.answers()
    assert f"Callboard is ready: http://127.0.0.1:{portal.port}" in portal.said()
    eventually(lambda: "/setup?token=" in portal.said())


def test_a_second_up_says_that_the_portal_is_running(portal):
    done = portal.command("up", "--port", str(portal.port))
    assert done.returncode == 0
    assert f"already running at http://127.0.0.1:{portal.port}" in done.stderr


def test_a_token_is_printed_alone_while_the_portal_runs(portal):
    done = portal.command("token", "create", "robot")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert len(done.stdout.strip()) > 30
    listed = json.loads(portal.command("token", "list", "--json").stdout)
    assert [row["name"] for row in listed] == ["robot"]
    assert done.stdout.strip() not in json.dumps(listed)
    assert portal.command("token", "revoke", "robot").returncode == 0
    assert json.loads(portal.command("--json", "token", "list").stdout) == []


def test_a_user_is_made_with_a_password_from_standard_input(portal):
    done = portal.command("user", "create", "ada", "--administrator", "--password-stdin", input="a-long-pass-phrase\n")
    assert done.returncode == 0, done.stderr
    weak = portal.command("--json", "user", "create", "bob", "--password-stdin", input="123\n")
    assert weak.returncode == 1
    assert json.loads(weak.stdout)["error"]["code"] == "refused"


def test_doctor_finds_the_running_portal_well(portal):
    eventually(lambda: portal.child("work"))
    checks = {c["name"]: c for c in json.loads(portal.command("doctor", "--json").stdout)["checks"]}
    assert checks["port"]["message"].endswith(f"(process {portal.process.pid})")
    assert {checks[name]["status"] for name in ("database", "migrations", "git", "data directory")} == {"ok"}


@pytest.mark.parametrize("name", ["web", "work"])
def test_what_is_killed_is_started_again(portal, name):
    killed = eventually(lambda: portal.child(name))
    killed.kill()
    eventually(lambda: (new := portal.child(name)) and new.pid != killed.pid)
    eventually(portal.answers)
    assert "was killed by signal 9; starting it again" in portal.said()


def test_a_killed_web_process_below_the_server_is_replaced_too(portal):
    below = eventually(lambda: portal.child("web").children())[-1]
    below.kill()
    eventually(lambda: portal.answers() and all(p.pid != below.pid for p in portal.family()))


def test_a_killed_database_comes_back_and_that_is_said(portal):
    found = status(portal.data_dir)
    os.kill(found.pid, signal.SIGKILL)
    eventually(lambda: "the database had died and was started again" in portal.said())
    eventually(portal.answers)
    os.kill(status(portal.data_dir).guardian_pid, signal.SIGKILL)
    eventually(lambda: "the database had gone; starting it again" in portal.said())
    eventually(portal.answers)


def test_sigterm_takes_everything_down_within_ten_seconds(portal):
    family, server = portal.family(), status(portal.data_dir).pid
    began = time.monotonic()
    portal.process.terminate()
    assert portal.process.wait(15) == 0
    assert time.monotonic() - began < 10
    assert not status(portal.data_dir).running
    assert not psutil.pid_exists(server)
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def test_the_second_start_is_quick_and_a_killed_supervisor_leaves_no_orphans(portal):
    began = time.monotonic()
    portal.start()
    assert "database migrated" not in portal.said()
    assert time.monotonic() - began < 15  # the aim is five seconds on a machine that is not testing
    eventually(lambda: portal.child("work"))
    family = portal.family()
    assert len(family) > 5
    portal.process.kill()
    portal.process.wait()
    eventually(lambda: not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE], 20)
    assert not status(portal.data_dir).running


def test_a_taken_port_is_refused_with_the_name_of_the_program(portal):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", portal.port))
        taken.listen()
        done = portal.command("--json", "up", "--port", str(portal.port))
    error = json.loads(done.stdout)["error"]
    assert done.returncode == 1
    assert error["code"] == "port-taken"
    assert f"process {os.getpid()}" in error["message"]
    assert "--port" in error["remedy"]


def test_an_unreachable_database_is_explained_without_its_password(portal):
    url = f"postgresql://me:hunter2@127.0.0.1:{free_port()}/none"
    portal.environment["DATABASE_URL"] = url
    try:
        done = portal.command("migrate")
    finally:
        del portal.environment["DATABASE_URL"]
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "DATABASE_URL" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_backup_brings_everything_back_into_a_fresh_portal(portal, tmp_path):
    (portal.data_dir / "blobs").mkdir()
    (portal.data_dir / "blobs" / "picture").write_text("paint")
    portal.command("token", "create", "kept")
    archive = tmp_path / "portal.tar.gz"
    done = portal.command("backup", str(archive), "--with-secrets")
    assert done.returncode == 0, done.stderr
    assert archive.stat().st_mode & 0o077 == 0
    refused = portal.command("restore", str(archive))
    assert refused.returncode == 1
    assert "not empty" in refused.stderr

    place = Path(tempfile.mkdtemp(prefix="cb-re-", dir="/tmp"))
    place.chmod(0o711)
    other = Portal(place)
    try:
        done = other.command("restore", str(archive))
        assert done.returncode == 0, done.stderr
        assert "kept" in other.command("token", "list").stdout
        assert (other.data_dir / "blobs" / "picture").read_text() == "paint"
        ours, theirs = (p.data_dir / "secrets" / "secret_key" for p in (portal, other))
        assert ours.read_text() == theirs.read_text()
    finally:
        other.end()
        shutil.rmtree(place)


def test_a_damaged_backup_is_refused_before_anything_is_touched(portal, tmp_path):
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"no archive")
    done = portal.command("restore", str(broken), "--force")
    assert done.returncode == 1
    assert "not a backup" in done.stderr
    assert "kept" in portal.command("token", "list").stdout
