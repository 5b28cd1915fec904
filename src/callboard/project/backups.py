"""Write everything a portal is to one archive, and bring it back."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from callboard.core.config.console import progress
from callboard.project.problems import Problem
from callboard.project.version import __version__

if TYPE_CHECKING:
    from callboard.core.config.schema import PortalConfig

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "database.dump"
FIRST_WITH_TRANSACTION_TIMEOUT = 17
"""PostgreSQL from which on servers know the setting that newer clients begin with."""
# The database has its own part, locks and sockets belong to running processes, static files are made anew.
LEFT_OUT = {"postgres", "postgres.new", "run", "socket", "secrets", "static", "cache"}
COMPUTED_ANEW = ("--exclude-table=cb_index_vector*", "--exclude-extension=vector")
"""Vectors of search: a worker computes them again, and where a backup goes the extension may be missing."""
# They belong to the machine's own embedded server, not to the portal's data.
MACHINE_SECRETS = {"postgres_password", "postgres_superuser_password"}


def write_backup(target: Path, *, with_secrets: bool) -> dict[str, Any]:
    """Write the archive; it appears under its name only once it is complete."""
    from callboard.project.boot import start_django

    config = start_django()
    url = _url(config)
    target = target.expanduser().absolute()
    with tempfile.TemporaryDirectory(prefix="callboard-backup-") as work, progress("Backing up") as bar:
        bar.total(3)
        dump = Path(work) / DUMP
        _run_client(
            "pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}", *COMPUTED_ANEW
        )
        bar.advance()
        manifest = {
            "format": FORMAT,
            "callboard": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "postgres": _server_major(),
            "migrations": _applied(),
            "secrets": with_secrets,
            "dump_sha256": _digest(dump),
        }
        draft = target.with_name(f".{target.name}.part")
        try:
            # The dump holds hashed passwords and sessions: nobody else may read the archive.
            with (
                os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
                tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive,
            ):
                _add_text(archive, MANIFEST, json.dumps(manifest, indent=2))
                archive.add(dump, DUMP)
                bar.advance()
                _add_files(archive, config, with_secrets=with_secrets)
            draft.rename(target)
            bar.advance()
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise Problem(
                f"the backup cannot be written to {target}: {error.strerror}",
                "Choose another place, or free some disk space.",
                "unwritable",
            ) from error
    return {"file": str(target), "bytes": target.stat().st_size, **manifest}


def read_backup(source: Path, *, force: bool) -> dict[str, Any]:
    """Bring an archive back into the configured database and data directory."""
    from callboard.project.boot import run_dir, start_django
    from callboard.project.locks import FileLock

    config = start_django(create=True)
    with FileLock(run_dir(config.data_dir) / "up.lock") as lock:
        if not lock.try_exclusive():
            raise Problem("the portal is running", "Stop `callboard up` first, then restore.", "running")
        with tempfile.TemporaryDirectory(prefix="callboard-restore-") as work:
            manifest = _unpack(source, Path(work))
            _check(manifest, Path(work), source)
            tables = _tables()
            if tables and not force:
                raise Problem(
                    f"the database is not empty ({tables} tables)",
                    "Restore into a new directory with --data-dir, or replace what is there with --force.",
                    "not-empty",
                )
            _empty_database()
            _restore(Path(work) / DUMP, _url(config))
            _put_files(Path(work) / "files", config.data_dir)
            _put_files(Path(work) / "secrets", config.data_dir / "secrets", private=True)
    return manifest


def _restore(dump: Path, url: str) -> None:
    """Fill the database from a dump, in one transaction.

    The client that comes along is newer than some servers and begins with a setting that those before 17 do
    not know; for them it writes a script, from which that one line is left out.
    """
    plain = ["--no-owner", "--no-privileges", "--exit-on-error"]
    if _server_major() >= FIRST_WITH_TRANSACTION_TIMEOUT:
        _run_client("pg_restore", url, *plain, "--single-transaction", str(dump))
        return
    whole, script = dump.with_suffix(".all.sql"), dump.with_suffix(".sql")
    _run_client("pg_restore", url, *plain, f"--file={whole}", str(dump), database=False)
    with whole.open("rb") as given, script.open("wb") as kept:
        head = True
        for line in given:
            if head and line.startswith(b"SET transaction_timeout"):
                head = False
                continue
            kept.write(line)
    whole.unlink()
    _run_client("psql", url, "--single-transaction", "--set=ON_ERROR_STOP=1", "--quiet", f"--file={script}")


def _url(config: PortalConfig) -> str:
    return os.environ.get("CALLBOARD_DATABASE__URL") or config.database.url


def _run_client(program: str, url: str, *arguments: str, database: bool = True) -> None:
    """Run one of PostgreSQL's clients; the password travels in the environment, which others cannot see."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    environment |= {
        "PGHOST": options.get("host") or unquote(parts.hostname or ""),
        "PGPORT": str(options.get("port") or parts.port or 5432),
        "PGUSER": options.get("user") or unquote(parts.username or ""),
        "PGPASSWORD": options.get("password") or unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")) or "callboard",
        "PGSSLMODE": options.get("sslmode", "prefer"),
    }
    named = ["--dbname", environment["PGDATABASE"]] if database else []
    last = ""
    for place in _clients(program):
        done = subprocess.run([place, *named, *arguments], env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        last = done.stderr.strip()
        if "server version mismatch" not in last and "unsupported version" not in last:
            break
    raise Problem(
        f"{program} failed: {' / '.join(last.splitlines()[-3:]) or 'it is not installed'}",
        "Install the PostgreSQL client of the server's version (apt install postgresql-client).",
        "postgres-client",
    )


def _clients(program: str) -> list[str]:
    """Answer the clients to try: the one that comes along, then the system's, which may be newer still."""
    from callboard.project.postgres.binaries import bin_dir

    found: list[str] = []
    with suppress(Problem):
        found.append(str(bin_dir() / program))
    own = shutil.which(program)
    return [*found, own] if own else found


def _server_major() -> int:
    from django.db import connection

    connection.ensure_connection()
    return int(connection.pg_version // 10000)


def _applied() -> list[str]:
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    return sorted(".".join(key) for key in MigrationRecorder(connection).applied_migrations())


def _tables() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_tables where schemaname = 'public'")
        return int(cursor.fetchone()[0])


def _empty_database() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("drop schema if exists public cascade")
        # pg_restore makes what the dump holds; the schema itself is not part of a dump of a usual database.
        cursor.execute("create schema public")
    connection.close()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    info = tarfile.TarInfo(name)
    data = text.encode()
    info.size, info.mode, info.mtime = len(data), 0o600, int(datetime.now(UTC).timestamp())
    archive.addfile(info, io.BytesIO(data))


def _add_files(archive: tarfile.TarFile, config: PortalConfig, *, with_secrets: bool) -> None:
    if config.file and config.file.exists():
        archive.add(config.file, "callboard.yaml")
    for path in sorted(config.data_dir.iterdir()) if config.data_dir.is_dir() else ():
        if path.name not in LEFT_OUT and not path.name.startswith("postgres-"):
            archive.add(path, f"files/{path.name}")
    secrets = config.data_dir / "secrets"
    if with_secrets and secrets.is_dir():
        for path in sorted(secrets.iterdir()):
            if path.name not in MACHINE_SECRETS and not path.name.startswith("."):
                archive.add(path, f"secrets/{path.name}")


def _unpack(source: Path, work: Path) -> dict[str, Any]:
    try:
        with tarfile.open(source, "r:gz") as archive:
            # The filter refuses absolute names, links and anything that leads out of the directory.
            archive.extractall(work, filter="data")
        return dict(json.loads((work / MANIFEST).read_text()))
    except (OSError, tarfile.TarError, ValueError, EOFError) as error:
        raise Problem(
            f"{source} is not a backup made by `callboard backup`, or it is damaged: {error}",
            "Use another backup; this one cannot be read.",
            "bad-backup",
        ) from error


def _check(manifest: dict[str, Any], work: Path, source: Path) -> None:
    if manifest.get("format") != FORMAT:
        raise Problem(
            f"{source} has the backup format {manifest.get('format')}, and this release reads {FORMAT}",
            f"Restore it with Callboard {manifest.get('callboard')}.",
            "backup-version",
        )
    if not (work / DUMP).is_file() or _digest(work / DUMP) != manifest.get("dump_sha256"):
        raise Problem(f"the database in {source} is damaged", "Use another backup.", "bad-backup")
    from django.db.migrations.loader import MigrationLoader

    known = {".".join(key) for key in MigrationLoader(None).disk_migrations}
    # Migrations that were squashed away or belong to a plugin that is gone are no newer release's.
    unknown = [m for m in manifest["migrations"] if m not in known and m.startswith("cb_") and _installed(m)]
    if unknown:
        raise Problem(
            f"the backup was made by a newer Callboard ({manifest.get('callboard')}): it has {unknown[0]}",
            "Install that release, restore, and go on with it.",
            "backup-version",
        )


def _installed(migration: str) -> bool:
    from django.apps import apps

    return migration.partition(".")[0] in apps.app_configs


def _put_files(source: Path, target: Path, *, private: bool = False) -> None:
    if not source.is_dir():
        return
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in source.iterdir():
        place = target / path.name
        if path.is_dir():
            shutil.copytree(path, place, dirs_exist_ok=True)
            continue
        if private:
            place.unlink(missing_ok=True)
        shutil.copy2(path, place)
        if private:
            place.chmod(0o600)
