"""The embedded PostgreSQL, for real: as this user, as another user, after crashes and upgrades."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from callboard.project import processes
from callboard.project.postgres import cluster, ensure_running, server, status, stop
from callboard.project.postgres.layout import Layout, find_layout, prepare_data_dir, private_dir
from callboard.project.postgres.owner import current_owner
from callboard.project.problems import Problem

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def data_dir():
    """A short path that the database's user can reach, unlike pytest's own directories."""
    place = Path(tempfile.mkdtemp(prefix="cb-", dir="/tmp"))
    place.chmod(0o711)
    yield place / "data"
    if (place / "data").exists():
        stop(place / "data")
    shutil.rmtree(place)


def scalar(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement).fetchone()[0]


def execute(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def eventually(check, seconds=20):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def in_child(code, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        **options,
    )


def test_a_new_server_is_crash_safe_and_listens_on_a_private_socket_alone(data_dir):
    url = ensure_running(data_dir)
    values = {
        name: scalar(url, f"show {name}")
        for name in ("fsync", "full_page_writes", "synchronous_commit", "listen_addresses", "jit")
    }
    assert values == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "jit": "off",
    }
    assert scalar(url, "select rolsuper from pg_roles where rolname = current_user") is False
    socket_dir = status(data_dir).socket_dir
    assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
    secrets = data_dir.resolve() / "secrets"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(f.stat().st_mode) for f in secrets.iterdir()} == {0o600}


def test_a_wrong_password_is_refused_even_on_the_socket(data_dir):
    ensure_running(data_dir, durable=False)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://callboard:wrong@/callboard?host={status(data_dir).socket_dir}")


def test_several_commands_at_once_share_one_server(data_dir):
    code = (
        "import sys; from pathlib import Path; from callboard.project.postgres import ensure_running, status\n"
        "ensure_running(Path(sys.argv[1]), durable=False, linger=5); print(status(Path(sys.argv[1])).pid)"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(data_dir)], stdout=subprocess.PIPE, text=True,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        for _ in range(4)
    ]  # fmt: skip
    pids = {child.communicate(timeout=60)[0].strip() for child in children}
    assert len(pids) == 1
    assert pids != {"0"}


def test_the_server_goes_when_nobody_uses_it_any_longer_however_they_went(data_dir):
    code = (
        "import os, signal, sys; from pathlib import Path; from callboard.project.postgres import ensure_running\n"
        "ensure_running(Path(sys.argv[1]), durable=False, linger=0.2); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert in_child(code, data_dir).returncode == -signal.SIGKILL
    eventually(lambda: not status(data_dir).running and not status(data_dir).guardian_pid)


def test_a_killed_server_is_started_again_and_keeps_what_was_committed(data_dir):
    url = ensure_running(data_dir)
    execute(url, "create table kept as select 42 as value")
    killed = status(data_dir).pid
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: status(data_dir).running and status(data_dir).pid != killed)
    assert scalar(url, "select value from kept") == 42


def test_the_server_goes_with_its_killed_guardian_and_the_next_command_starts_anew(data_dir):
    ensure_running(data_dir, durable=False)
    before = status(data_dir)
    os.kill(before.guardian_pid, signal.SIGKILL)
    assert processes.wait_gone(before.pid, 10)
    assert scalar(ensure_running(data_dir, durable=False), "select 1") == 1


def test_a_stale_note_whose_process_id_now_belongs_to_another_program_is_cleared(data_dir):
    ensure_running(data_dir, durable=False)
    found = status(data_dir)
    note = (found.cluster / "postmaster.pid").read_text()
    assert stop(data_dir)
    owner = current_owner()
    options = owner.subprocess_options()
    stranger = subprocess.Popen(["sleep", "60"], **options)
    try:
        stale = note.replace(str(found.pid), str(stranger.pid), 1)
        (found.cluster / "postmaster.pid").write_text(stale)
        os.chown(found.cluster / "postmaster.pid", owner.uid, owner.gid)
        assert not status(data_dir).running
        assert scalar(ensure_running(data_dir, durable=False), "select 1") == 1
    finally:
        stranger.kill()
        stranger.wait()


def test_stopping_leaves_nothing_behind(data_dir):
    ensure_running(data_dir, durable=False)
    found = status(data_dir)
    assert stop(data_dir)
    assert processes.wait_gone(found.pid, 1)
    assert not (found.cluster / "postmaster.pid").exists()


def test_data_of_an_older_major_version_is_upgraded_and_kept(data_dir):
    prepared = prepare_data_dir(data_dir)
    layout = find_layout(prepared, current_owner())
    with cluster.new_cluster(layout, 16, durable=False) as draft:
        draft.rename(layout.cluster)
    programs = cluster.usable_bin_dir(layout.owner, 16)
    options = f"-c listen_addresses='' -c unix_socket_directories='{layout.socket_dir}'"
    log = layout.socket_dir / "log"
    layout.owner.run([programs / "pg_ctl", "-D", layout.cluster, "-w", "-l", log, "-o", options, "start"])
    cluster.provision(layout)
    assert (
        cluster.sql(layout, "create table old as select 'kept' as value", role="callboard", database="callboard") == ""
    )
    layout.owner.run([programs / "pg_ctl", "-D", layout.cluster, "-w", "-m", "immediate", "stop"])
    url = ensure_running(data_dir)
    assert scalar(url, "select value from old") == "kept"
    assert scalar(url, "show server_version").startswith("18")
    assert (data_dir / "postgres-16" / "PG_VERSION").exists()


def test_a_long_path_gets_its_socket_elsewhere_in_a_private_directory(data_dir):
    long = data_dir.parent / ("x" * 90) / "data"
    long.parent.mkdir(mode=0o711)
    url = ensure_running(long, durable=False)
    try:
        place = status(long).socket_dir
        assert not place.is_relative_to(long)
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert scalar(url, "select 1") == 1
    finally:
        stop(long)
        shutil.rmtree(status(long).socket_dir)


def test_a_socket_directory_that_others_may_enter_is_refused(data_dir):
    place = data_dir.parent / "open"
    place.mkdir(mode=0o755)
    with pytest.raises(Problem, match="not a private directory"):
        private_dir(place, current_owner())


def test_a_data_directory_that_cannot_be_made_is_explained(data_dir):
    data_dir.parent.joinpath("file").write_text("")
    with pytest.raises(Problem, match="cannot be written") as caught:
        ensure_running(data_dir.parent / "file" / "data")
    assert "--data-dir" in caught.value.remedy


def test_a_directory_with_foreign_content_is_not_taken_over(data_dir):
    (data_dir / "postgres").mkdir(parents=True)
    data_dir.chmod(0o711)
    (data_dir / "postgres" / "thesis.txt").write_text("mine")
    with pytest.raises(Problem, match="holds no PostgreSQL data"):
        ensure_running(data_dir)
    assert (data_dir / "postgres" / "thesis.txt").read_text() == "mine"


def test_data_that_is_damaged_stops_the_start_with_the_servers_own_reason(data_dir):
    ensure_running(data_dir, durable=False)
    place = status(data_dir).cluster
    assert stop(data_dir)
    (place / "global" / "pg_control").write_bytes(b"nonsense")
    with pytest.raises(Problem, match="did not start") as caught:
        ensure_running(data_dir, durable=False)
    assert caught.value.remedy


def test_data_of_a_newer_postgresql_is_refused_in_words(data_dir):
    layout = find_layout(prepare_data_dir(data_dir), current_owner())
    layout.cluster.mkdir()
    (layout.cluster / "PG_VERSION").write_text("99\n")
    with pytest.raises(Problem, match="newer than this installation's"):
        ensure_running(data_dir)


def test_secrets_are_made_once_even_when_many_ask(data_dir):
    prepare_data_dir(data_dir)
    code = (
        "import sys; from pathlib import Path; from callboard.core.config.secret_files import secret_file\n"
        "import secrets; print(secret_file(Path(sys.argv[1]), 'x', lambda: secrets.token_hex(8)))"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(data_dir)], stdout=subprocess.PIPE, text=True,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        for _ in range(6)
    ]  # fmt: skip
    assert len({child.communicate(timeout=30)[0] for child in children}) == 1


def test_a_status_never_starts_anything(data_dir):
    found = status(data_dir)
    assert (found.running, found.pid, found.major) == (False, 0, 0)
    assert isinstance(server._layout(data_dir), Layout)


if IS_ROOT:  # only root can become somebody else to see what that one can reach

    def test_other_users_of_the_machine_cannot_connect(data_dir):
        url = ensure_running(data_dir, durable=False)
        nobody = pwd.getpwnam("nobody")
        socket_path = status(data_dir).socket_dir / ".s.PGSQL.5432"
        code = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])"
        done = subprocess.run(
            ["/usr/bin/python3", "-c", code, str(socket_path)],
            capture_output=True, text=True, check=False, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], cwd="/",
        )  # fmt: skip
        assert "PermissionError" in done.stderr
        assert scalar(url, "select 1") == 1

    def test_a_data_directory_closed_to_the_database_user_keeps_its_database_elsewhere(data_dir):
        closed = data_dir.parent / "closed"
        closed.mkdir(mode=0o700)
        data = closed / "data"
        try:
            assert scalar(ensure_running(data, durable=False), "select 1") == 1
            place = status(data).cluster
            assert place.is_relative_to("/var/lib/callboard")
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700
            stop(data)
            assert status(data).cluster == place
        finally:
            stop(data)
            found = status(data)
            shutil.rmtree(found.cluster.parent)
            shutil.rmtree(found.socket_dir)

    def test_it_works_as_an_ordinary_user_too(data_dir):
        nobody = pwd.getpwnam("nobody")
        home = data_dir.parent / "home"
        home.mkdir(mode=0o700)
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        python, paths = shutil.which("python3", path="/usr/bin:/usr/local/bin"), [p for p in sys.path if p]
        code = (
            "import sys; from pathlib import Path; from callboard.project.postgres import ensure_running, status, stop\n"
            "data = Path(sys.argv[1]); ensure_running(data); s = status(data)\n"
            "print(s.running, s.cluster.stat().st_uid, stop(data))"
        )
        done = subprocess.run(
            [python, "-c", code, str(home / "data")],
            capture_output=True, text=True, check=False, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], cwd="/",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(paths)}, timeout=60,
        )  # fmt: skip
        assert done.stdout.split() == ["True", str(nobody.pw_uid), "True"], done.stderr
