"""The server's files: create them, clear away what a crash left, tune, and make the portal's role."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from callboard.project import processes
from callboard.project.postgres.binaries import MAJOR, usable_bin_dir
from callboard.project.postgres.layout import Layout
from callboard.project.problems import Problem

SUPERUSER = "postgres"
ROLE = "callboard"

SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}

TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "checkpoint_completion_target": "0.9",
    "idle_in_transaction_session_timeout": "10min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_min_duration_statement": "2s",
    # Statements of the portal may carry secrets; their values are left out of the log.
    "log_parameter_max_length": "0",
    "log_line_prefix": "%m [%p] ",
}


def settings(layout: Layout, *, durable: bool) -> list[str]:
    """Answer the server's settings as command-line options."""
    values = {**TUNING, **(SAFE if durable else FAST), "unix_socket_directories": str(layout.socket_dir)}
    return [part for key, value in values.items() for part in ("-c", f"{key}={value}")]


@dataclass(frozen=True)
class Postmaster:
    """The main process of a server: 0 when none runs; ``ready`` when it accepts connections."""

    pid: int = 0
    ready: bool = False


def postmaster(layout: Layout) -> Postmaster:
    """Find the running server of a cluster from the note it leaves in its directory."""
    try:
        lines = (layout.cluster / "postmaster.pid").read_text(errors="replace").splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return Postmaster()
    if not processes.alive(pid) or not _serves(pid, layout.cluster):
        return Postmaster()
    return Postmaster(pid, len(lines) > 7 and lines[7].strip() == "ready")


def _serves(pid: int, cluster: Path) -> bool:
    """Whether the process works in the cluster's directory; ids are reused after a restart."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == cluster
    except OSError:
        pass
    import psutil

    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return str(cluster) in command


def major_of(cluster: Path) -> int | None:
    """Answer the major version of the data, if there is any."""
    try:
        return int((cluster / "PG_VERSION").read_text().strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Problem(
            f"{cluster}/PG_VERSION cannot be read: {error}",
            "Restore the data directory from a backup, or choose another --data-dir.",
            "postgres-data",
        ) from error


def prepare(layout: Layout, *, durable: bool) -> Layout:
    """Make sure that a cluster of the right version is there and nothing stale is in its way."""
    found = major_of(layout.cluster)
    if found is None:
        if layout.cluster.exists() and any(layout.cluster.iterdir()):
            raise Problem(
                f"{layout.cluster} is not empty and holds no PostgreSQL data",
                "Move its contents away, or choose another --data-dir.",
                "postgres-data",
            )
        with new_cluster(layout, MAJOR, durable=durable) as draft:
            if layout.cluster.exists():
                layout.cluster.rmdir()
            draft.rename(layout.cluster)
    elif found < MAJOR:
        from callboard.project.postgres.upgrade import upgrade

        upgrade(layout, found)
    elif found > MAJOR:
        raise Problem(
            f"the data in {layout.cluster} is of PostgreSQL {found}, newer than this installation's {MAJOR}",
            "Install the newer Callboard release again; data cannot go back to an older PostgreSQL.",
            "postgres-version",
        )
    _clear_stale(layout)
    return layout


@contextmanager
def new_cluster(layout: Layout, major: int, *, durable: bool, options: tuple[str, ...] = ()) -> Iterator[Path]:
    """Create an empty cluster beside the final place; it counts only once it has been renamed."""
    draft = layout.cluster.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    binaries = usable_bin_dir(layout.owner, major)
    try:
        draft.mkdir(mode=0o700)
        if layout.owner.is_other:
            os.chown(draft, layout.owner.uid, layout.owner.gid)
        with password_file(layout, layout.password("postgres_superuser_password")) as file:
            arguments = [
                *("--pgdata", str(draft), "--username", SUPERUSER, "--pwfile", str(file)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"),
                *(() if durable else ("--no-sync",)),
                # The same order of texts on every machine, whatever languages its system knows.
                *(("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if major >= 17 else ()),
                *("--locale", "C"),
            ]
            done = layout.owner.run([binaries / "initdb", *arguments, *options])
        if done.returncode:
            raise Problem(
                f"the database could not be created in {draft.parent}: {_last_lines(done.stderr)}",
                _disk_remedy(done.stderr),
                "postgres-create",
            )
        yield draft
    except OSError as error:
        raise Problem(
            f"the database could not be created in {layout.cluster.parent}: {error.strerror}",
            "Make the directory writable, free some space, or choose another --data-dir.",
            "postgres-create",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def password_file(layout: Layout, text: str) -> Iterator[Path]:
    """Lend a secret to a program of the database's user, in a file that it alone can read."""
    descriptor, name = tempfile.mkstemp(prefix="lend-", dir=layout.socket_dir)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            if layout.owner.is_other:
                os.fchown(file.fileno(), layout.owner.uid, layout.owner.gid)
        yield Path(name)
    finally:
        Path(name).unlink()


def _clear_stale(layout: Layout) -> None:
    """Remove notes of a server that is gone but whose process id now belongs to another process.

    PostgreSQL ignores the note of a dead process by itself, but refuses to start when the id was
    given to somebody else, as happens after a restart of a machine or container.
    """
    for note in (layout.cluster / "postmaster.pid", layout.socket_dir / ".s.PGSQL.5432.lock"):
        try:
            pid = int(note.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            continue
        if not processes.alive(pid) or _serves(pid, layout.cluster) or _left_over(layout.cluster):
            continue
        note.unlink(missing_ok=True)


def _left_over(cluster: Path) -> bool:
    return any(_serves(int(entry.name), cluster) for entry in Path("/proc").glob("[0-9]*") if Path("/proc").is_dir())


def sql(layout: Layout, statement: str, *, role: str = SUPERUSER, database: str = "postgres") -> str | None:
    """Run SQL with the server's own client; answer its output, or ``None`` when it failed."""
    binaries = usable_bin_dir(layout.owner, MAJOR)
    secret = "postgres_superuser_password" if role == SUPERUSER else "postgres_password"
    environment = {**layout.owner.environment(), "PGPASSWORD": layout.password(secret)}
    done = layout.owner.run(
        [
            *(binaries / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
            *("-h", layout.socket_dir, "-U", role, "-d", database, "-f", "-"),
        ],
        env=environment,
        input=statement,
        stdin=None,
    )
    return done.stdout.strip() if done.returncode == 0 else None


def provision(layout: Layout) -> None:
    """Make the portal's role and database where they are missing.

    The portal does not work as superuser: a hole in it must not become one in the machine.
    """
    if sql(layout, "select 1", role=ROLE, database=ROLE) == "1":
        return
    password = layout.password("postgres_password")  # token_urlsafe: no quotes inside
    made = sql(
        layout,
        # Both values are made by the portal itself.
        f"""
        do $$ begin
          if not exists (select from pg_roles where rolname = '{ROLE}') then
            create role {ROLE} login createdb;
          end if;
        end $$;
        set log_statement = 'none';
        alter role {ROLE} login createdb password '{password}';
        select 'create database {ROLE} owner {ROLE}'
        where not exists (select from pg_database where datname = '{ROLE}') \\gexec
        revoke all on database {ROLE} from public;
        """,  # noqa: S608
    )
    if made is None:
        raise Problem(
            f"the portal's role could not be made in the database of {layout.cluster}",
            f"The files in {layout.data_dir}/secrets may not belong to this database: restore them. "
            f"The server's log is in {layout.cluster}/log.",
            "postgres-password",
        )


def start_problem(layout: Layout) -> Problem:
    """Explain why the server did not start, from what it wrote last."""
    said = _read(layout.start_log)
    logs = sorted(layout.cluster.glob("log/*.log"), key=lambda file: file.stat().st_mtime)
    written = _read(logs[-1]) if logs else ""
    reasons = re.findall(r"(?:FATAL|PANIC|ERROR): +(.*)", said) or re.findall(r"(?:FATAL|PANIC): +(.*)", written)
    reason = reasons[-1] if reasons else _last_lines(said) or "no reason was given"
    return Problem(
        f"the database in {layout.cluster} did not start: {reason}",
        _disk_remedy(said + written[-4000:], f"The whole story is in {layout.start_log} and {layout.cluster}/log."),
        "postgres-start",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")[-20_000:]
    except OSError:
        return ""


def _last_lines(text: str) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-3:])


def _disk_remedy(text: str, otherwise: str = "Read the message above; --data-dir chooses another place.") -> str:
    if "No space left" in text:
        return "Free some disk space and start again; nothing that was committed is lost."
    if "shared memory" in text:
        return "Give the machine or container more shared memory (for Docker: --shm-size=256m)."
    if "Read-only file system" in text:
        return "The file system is read-only: choose another place with --data-dir."
    return otherwise
