"""Bring data of an older PostgreSQL to the version of this installation, keeping the old files."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from callboard.project.postgres import cluster
from callboard.project.postgres.binaries import MAJOR, usable_bin_dir
from callboard.project.postgres.layout import Layout
from callboard.project.problems import Problem


def upgrade(layout: Layout, old_major: int) -> None:
    """Run ``pg_upgrade`` into a new cluster and swap the two; the old one stays as ``postgres-<old>``."""
    kept = layout.cluster.with_name(f"postgres-{old_major}")
    if kept.exists():
        raise Problem(
            f"{kept} is in the way of upgrading the database in {layout.cluster}",
            f"An earlier upgrade left it: move {kept} away, then start again.",
            "postgres-upgrade",
        )
    old_programs, new_programs = usable_bin_dir(layout.owner, old_major), usable_bin_dir(layout.owner, MAJOR)
    sys.stderr.write(f"Upgrading the database from PostgreSQL {old_major} to {MAJOR} …\n")
    control = layout.owner.run([old_programs / "pg_controldata", layout.cluster])
    sums = re.search(r"checksum version: +(\d+)", control.stdout)
    options = () if sums and sums[1] != "0" else ("--no-data-checksums",)
    secret = {"PGPASSWORD": layout.password("postgres_superuser_password")}
    work = Path(tempfile.mkdtemp(prefix="upgrade-", dir=layout.socket_dir))
    try:
        if layout.owner.is_other:
            os.chown(work, layout.owner.uid, layout.owner.gid)
        _finish_recovery(layout, old_programs)
        with cluster.new_cluster(layout, MAJOR, durable=True, options=options) as draft:
            arguments: list[str | Path] = [
                *("--old-bindir", old_programs, "--new-bindir", new_programs),
                *("--old-datadir", layout.cluster, "--new-datadir", draft),
                *("--username", cluster.SUPERUSER, "--socketdir", layout.socket_dir),
            ]
            done = layout.owner.run(
                [new_programs / "pg_upgrade", *arguments], cwd=work, env=layout.owner.environment() | secret
            )
            if done.returncode:
                raise Problem(
                    f"PostgreSQL {old_major} could not be upgraded to {MAJOR}: "
                    + " / ".join((done.stdout + done.stderr).strip().splitlines()[-4:]),
                    f"Nothing was changed in {layout.cluster}. Free some disk space or mend what is named, "
                    "then start again.",
                    "postgres-upgrade",
                )
            layout.cluster.rename(kept)
            draft.rename(layout.cluster)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sys.stderr.write(f"Upgraded. The old files stay in {kept}; remove them when all is well.\n")


def _finish_recovery(layout: Layout, programs: Path) -> None:
    """Start and stop the old server once if it was not shut down cleanly, as pg_upgrade demands."""
    control = layout.owner.run([programs / "pg_controldata", layout.cluster]).stdout
    if "shut down\n" in control:
        return
    options = f"-c listen_addresses='' -c unix_socket_directories='{layout.socket_dir}'"
    log = layout.socket_dir / "recovery.log"
    layout.owner.run([programs / "pg_ctl", "-D", layout.cluster, "-w", "-l", log, "-o", options, "start"])
    layout.owner.run([programs / "pg_ctl", "-D", layout.cluster, "-w", "-m", "fast", "stop"])
    log.unlink(missing_ok=True)
