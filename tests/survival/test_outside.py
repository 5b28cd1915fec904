"""Parts of a portal beside a PostgreSQL of Debian's: the server goes away, parts are doubled, backups are made under load."""

import json
import shutil
import subprocess
import time
from dataclasses import replace

import pytest

from tests.e2e.portal import COMMAND, Portal, _free_port, eventually
from tests.survival.portals import (
    CONFIG,
    Server,
    clean_environment,
    components,
    fleet,
    part,
    portal_at,
    portal_sql,
    settled,
    somewhere,
)

pytestmark = [pytest.mark.survival, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def place():
    with somewhere() as found:
        yield found


@pytest.fixture(scope="module")
def server(place):
    found = Server(place)
    yield found
    found.stop("fast")


@pytest.fixture(scope="module")
def parts(server, place):
    """Two webs and two workers on one database, with a migration that was killed twice before."""
    (place / "callboard.yaml").write_text(CONFIG)
    environment = {
        **clean_environment(),
        "CALLBOARD_DATA_DIR": str(place / "data"),
        "CALLBOARD_CONFIG": str(place / "callboard.yaml"),
        "XDG_CACHE_HOME": str(place / "cache"),
        "DATABASE_URL": server.url,
    }
    for seconds in (2.5, 4.0):
        interrupted = subprocess.Popen(
            [*COMMAND, "migrate"], env=environment, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        interrupted.kill()
        interrupted.wait()
    subprocess.run([*COMMAND, "migrate"], env=environment, cwd=place, check=True, capture_output=True, timeout=120)
    ports = [_free_port(), _free_port()]
    with (
        part(environment, place, "web1", "web", "--port", str(ports[0])) as first,
        part(environment, place, "web2", "web", "--port", str(ports[1])),
        part(environment, place, "worker1", "worker"),
        part(environment, place, "worker2", "worker"),
    ):
        portal = Portal(f"http://127.0.0.1:{ports[0]}", place, environment, first)
        portal.token = portal.command("token", "create", "survival", "--scope", "admin")
        eventually(lambda: components(portal) == 0, 60, "the first web")
        yield portal, replace(portal, url=f"http://127.0.0.1:{ports[1]}")


def register(portal, target):
    import urllib.request

    body = json.dumps({"type": "file", "target": str(target)}).encode()
    headers = {"Authorization": f"Bearer {portal.token}", "Content-Type": "application/json"}
    urllib.request.urlopen(
        urllib.request.Request(portal.url + "/api/catalog/locations", body, headers), timeout=20
    ).close()


def test_two_webs_and_two_workers_bring_everything_in_once(parts, tmp_path):
    one, other = parts
    tmp_path.chmod(0o755)
    register(one, fleet(tmp_path / "two", 30, 50))
    settled(one, 1500)
    assert components(other) == 1500
    assert (
        one.asks("/api/catalog/entities/by-name/component/default/c3-7").text
        == other.asks("/api/catalog/entities/by-name/component/default/c3-7").text
    )


def test_a_database_that_is_gone_for_a_while_is_waited_for(parts, server, tmp_path):
    one, other = parts
    tmp_path.chmod(0o755)
    before = components(one)
    target = fleet(tmp_path / "gone", 20, 100)
    for file in (tmp_path / "gone").glob("f*.yaml"):
        file.write_text(file.read_text().replace("name: c", "name: g").replace("component:c", "component:g"))
    target.write_text(target.read_text().replace("name: fleet", "name: gone"))
    register(one, target)
    eventually(lambda: components(one) > before, 60, "the first entities")
    server.stop()
    time.sleep(10)
    assert components(one) == -1
    server.start()
    settled(one, before + 2000, 90)
    assert components(other) == before + 2000


def test_a_backup_made_under_load_comes_back_whole(parts, server, place, tmp_path):
    one, _ = parts
    tmp_path.chmod(0o755)
    before = components(one)
    target = fleet(tmp_path / "load", 20, 100)
    for file in (tmp_path / "load").glob("f*.yaml"):
        file.write_text(file.read_text().replace("name: c", "name: l").replace("component:c", "component:l"))
    target.write_text(target.read_text().replace("name: fleet", "name: load"))
    register(one, target)
    eventually(lambda: components(one) > before, 60, "the first entities")
    archive = place / "backup.tar.gz"
    one.command("backup", str(archive))
    settled(one, before + 2000, 90)
    server.make("restored")
    other = place / "other"
    other.mkdir()
    shutil.copy(place / "callboard.yaml", other / "callboard.yaml")
    environment = one.environment | {
        "DATABASE_URL": server.url_of("restored"),
        "CALLBOARD_DATA_DIR": str(other / "data"),
        "CALLBOARD_CONFIG": str(other / "callboard.yaml"),
    }
    restored = replace(one, environment=environment, place=other)
    restored.command("restore", str(archive))
    sql = portal_sql(restored)
    there = int(sql("SELECT count(*) FROM cb_catalog_entity WHERE kind = 'component'"))
    assert before < there <= before + 2000
    assert (
        sql(
            "SELECT count(*) FROM cb_catalog_entity e LEFT JOIN cb_catalog_body b ON b.entity_id = e.id WHERE b IS NULL"
        )
        == "0"
    )
    assert (
        sql("SELECT count(*) FROM cb_catalog_entity e LEFT JOIN cb_catalog_emission m ON m.ref = e.ref WHERE m IS NULL")
        == "0"
    )
    # What was being read when the backup was made goes on where it is restored.
    port = _free_port()
    with (
        part(environment, other, "web", "web", "--port", str(port)) as web,
        part(environment, other, "worker", "worker"),
    ):
        portal = Portal(f"http://127.0.0.1:{port}", other, environment, web)
        portal.token = portal.command("token", "create", "again", "--scope", "admin")
        settled(portal, before + 2000, 120)


def test_a_full_disk_loses_nothing_and_says_so(place, tmp_path):
    tmp_path.chmod(0o755)
    disk = place / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400m,mode=0755", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        with portal_at(disk / "portal") as portal:
            filler = disk / "filler"
            free = shutil.disk_usage(disk).free
            with filler.open("wb") as file:
                file.write(b"\0" * (free - 3_000_000))
            register(portal, fleet(tmp_path / "full", 20, 150))
            time.sleep(15)
            stuck = components(portal)
            assert stuck < 3000
            filler.unlink()
            settled(portal, 3000, 120)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False, capture_output=True)
