"""Who may import whom."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from callboard.core.registry.discovery import discover
from tests.architecture.tree import ROOMS, ROOT


def test_the_contracts_of_the_house_are_kept():
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("callboard", cache_dir=None)


@pytest.mark.parametrize("room", ROOMS)
def test_a_manifest_requires_exactly_the_rooms_that_are_imported(room, graph):
    manifest = next(p.manifest for p in discover().plugins if p.name == room)
    own = f"callboard.plugins.{room}"
    inside = [own, *(m for m in graph.find_descendants(own) if ".tests" not in m)]
    imported = {
        target.split(".")[2]
        for module in inside
        for target in graph.find_modules_directly_imported_by(module)
        if target.startswith("callboard.plugins.") and target.split(".")[2] != room
    }
    assert imported == set(manifest.requires)
