"""Scripts that are written with the published catalog client work against the portal unchanged."""

import hashlib
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from callboard.plugins.catalog.tests.servers import running_site
from tests.compat.portal import running_portal

pytestmark = [pytest.mark.compat, pytest.mark.timeout(600)]

HERE = Path(__file__).parent / "node"
SCRIPTS = sysconfig.get_path("scripts")
ENTITY = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: %s, title: %s}
spec: {type: service, lifecycle: production, owner: guests}
"""


@pytest.fixture(scope="module")
def packages() -> Path:
    """The locked packages, installed once into a cache outside the checkout."""
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "callboard-compat" / digest
    if not (cache / "complete").exists():
        cache.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, cache)
        node(cache, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        (cache / "complete").touch()
    shutil.copy(HERE / "catalog-client.cjs", cache)
    return cache


def node(cwd: Path, command: str, *arguments: str, **environment: str) -> str:
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [shutil.which(command, path=path) or command, *arguments],
        cwd=cwd, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_method_of_the_client_gets_the_right_answer(packages):
    config = "catalog: {reading: {allow: ['127.0.0.1']}}\n"
    with running_site() as site, running_portal(config, "--demo") as portal:
        site.text("/catalog-info.yaml", ENTITY % ("visitor", "Visitor"))
        site.text("/other.yaml", ENTITY % ("other", "Other"))

        def change(handler):
            site.text("/catalog-info.yaml", ENTITY % ("visitor", "Changed"))
            handler.reply(200, b"", {})

        site.does("/change", change)
        token = portal.command("token", "create", "compat", "--scope", "read", "--scope", "write")
        # The demo is there when its last file has been read.
        portal.waits_for("/api/catalog/entities/unprocessed/pending", token, '"entities":[]')
        portal.waits_for("/api/catalog/entities/by-query?limit=0", token, '"totalItems":1')
        said = node(packages, "node", "catalog-client.cjs", PORTAL=portal.url, TOKEN=token, SITE=site.url)
    assert "methods answered as they should" in said
