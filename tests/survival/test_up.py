"""One portal, started with `callboard up`, is killed part by part and fed by hosts that misbehave."""

import os
import time

import pytest

from tests.e2e.portal import eventually
from tests.survival.hosts import running_host
from tests.survival.portals import (
    children,
    component,
    components,
    fleet,
    kill,
    page,
    portal_at,
    portal_sql,
    settled,
    somewhere,
)

pytestmark = [pytest.mark.survival, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def portal():
    with somewhere() as place, portal_at(place) as running:
        yield running


def start_loading(portal, tmp_path, name, files=20, each=150):
    """Register many entities through the API and wait until some of them are there, but not all."""
    import json
    import urllib.request

    before = components(portal)
    tmp_path.chmod(0o755)
    target = fleet(tmp_path / name, files, each)
    text = target.read_text().replace("name: fleet", f"name: {name}")
    for number in range(files):
        file = tmp_path / name / f"f{number}.yaml"
        file.write_text(
            file.read_text().replace("name: c", f"name: {name}-c").replace("component:c", f"component:{name}-c")
        )
    target.write_text(text)
    body = json.dumps({"type": "file", "target": str(target)}).encode()
    headers = {"Authorization": f"Bearer {portal.token}", "Content-Type": "application/json"}
    urllib.request.urlopen(
        urllib.request.Request(portal.url + "/api/catalog/locations", body, headers), timeout=20
    ).close()
    return before, before + files * each


def test_a_killed_worker_loses_nothing(portal, tmp_path):
    before, after = start_loading(portal, tmp_path, "w")
    eventually(lambda: before < components(portal), 30, "the first entities")
    assert components(portal) < after
    kill(portal, "callboard.project.work")
    settled(portal, after)


def test_a_killed_web_loses_nothing_and_is_back(portal, tmp_path):
    before, after = start_loading(portal, tmp_path, "b")
    eventually(lambda: before < components(portal), 30, "the first entities")
    kill(portal, "callboard.project.web")
    settled(portal, after)


def test_a_killed_database_loses_nothing_that_was_written(portal, tmp_path):
    before, after = start_loading(portal, tmp_path, "d")
    eventually(lambda: before < components(portal), 30, "the first entities")
    sql = portal_sql(portal)
    was = int(sql("SELECT count(*) FROM cb_catalog_entity WHERE kind = 'component'"))
    from callboard.project.postgres import status

    os.kill(status(portal.place / "data").pid, 9)
    eventually(lambda: components(portal) >= was, 60, "the database")
    settled(portal, after)
    assert "the database had died and was started again" in portal.said()


def test_a_killed_worker_and_a_killed_database_at_once_lose_nothing(portal, tmp_path):
    before, after = start_loading(portal, tmp_path, "x")
    eventually(lambda: before < components(portal), 30, "the first entities")
    from callboard.project.postgres import status

    kill(portal, "callboard.project.work")
    os.kill(status(portal.place / "data").pid, 9)
    settled(portal, after, 90)


MOODS = {
    "hang": "timed-out",
    "drip": "timed-out",
    "500": "http-error",
    "loop": "http-error",
    "truncate": "http-error",
    "limited": "rate-limited",
    "reset": "rate-limited",
    "elsewhere": "refused",
    "bomb": "too-large",
}


def test_hosts_that_misbehave_keep_the_last_good_state_and_say_so(portal):
    sql = portal_sql(portal)
    with running_host() as host:
        for name in MOODS:
            portal.command("catalog", "import", f"url:{host.url(f'h-{name}')}")
        assert int(sql("SELECT count(*) FROM cb_catalog_entity WHERE ref LIKE 'component:default/h-%'")) == len(MOODS)
        for name in MOODS:
            host.mood[f"h-{name}"] = name
        asked = "SELECT string_agg(split_part(s.target, '/h-', 2) || '=' || p.code, ' ') FROM cb_catalog_problem p JOIN cb_catalog_source s ON s.id = p.source_id WHERE s.target LIKE '%/h-%'"

        for name in MOODS:
            sql(
                f"UPDATE cb_catalog_source SET due_at = now(), etag = '', fingerprint = '' WHERE target LIKE '%/h-{name}.yaml' RETURNING 1"
            )
        portal.command("catalog", "refresh", "component:default/h-500")

        def told():
            found = dict(item.split(".yaml=") for item in sql(asked).split()) if sql(asked) not in ("", "None") else {}
            return found if len(found) == len(MOODS) else None

        found = eventually(told, 60, "a problem for each host")
        assert {name: found[name] for name in MOODS} == MOODS
        assert int(sql("SELECT count(*) FROM cb_catalog_entity WHERE ref LIKE 'component:default/h-%'")) == len(MOODS)
        # Who asks for an hour gets it.
        for name in ("limited", "reset"):
            wait = float(
                sql(
                    f"SELECT extract(epoch FROM due_at - now()) FROM cb_catalog_source WHERE target LIKE '%/h-{name}.yaml'"
                )
            )
            assert 3000 < wait < 3700, (name, wait)
        text = page(portal, "/catalog/ingestion")
        for name in MOODS:
            assert f"h-{name}.yaml" in text
        host.mood.clear()
        for name in MOODS:
            portal.command("catalog", "refresh", f"component:default/h-{name}")
        assert (
            sql(
                "SELECT count(*) FROM cb_catalog_problem p JOIN cb_catalog_source s ON s.id = p.source_id WHERE s.target LIKE '%/h-%'"
            )
            == "0"
        )
        for name in MOODS:
            portal.command("catalog", "unregister", f"url:{host.url(f'h-{name}')}")


def test_private_addresses_are_refused_whichever_way_they_come(portal):
    with running_host() as host:
        for number, address in enumerate(
            [
                "http://169.254.169.254/latest/catalog-info.yaml",
                "http://10.0.0.1/a.yaml",
                "http://[::1]/a.yaml",
                "http://0.0.0.0/a.yaml",
            ]
        ):
            host.elsewhere = address
            host.mood["r"] = "elsewhere"
            for target in (address, host.url("r")):
                import json
                import subprocess

                from tests.e2e.portal import COMMAND

                done = subprocess.run(
                    [*COMMAND, "--json", "catalog", "validate", f"url:{target}"],
                    env=portal.environment, cwd=portal.place, capture_output=True, text=True, timeout=60, check=False,
                )  # fmt: skip
                problems = json.loads(done.stdout)["problems"]
                assert [p["code"] for p in problems] == ["refused"], (number, target, problems)


def test_hostile_files_harm_nobody_else(portal, tmp_path):
    tmp_path.chmod(0o755)
    place = tmp_path / "hostile"
    place.mkdir()
    (place / "good.yaml").write_text(component("hostile-neighbour"))
    (place / "huge.yaml").write_text("a: &a [" + "x, " * 4_000_000 + "]\n")
    lines = ["a0: &a0 [lol, lol]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (place / "bomb.yaml").write_text("\n".join(lines) + "\n")
    (place / "deep.yaml").write_text("a: " + "[" * 100 + "]" * 100 + "\n")
    (place / "deeper.yaml").write_text("[" * 100_000 + "\n")
    began = time.monotonic()
    import json

    answer = json.loads(portal.command("--json", "catalog", "import", f"file:{place}/*.yaml"))
    assert time.monotonic() - began < 30
    assert answer["entities"] == {"component": 1}
    named = {p["place"]["url"].rpartition("/")[2] for p in answer["problems"]}
    assert named == {"huge.yaml", "bomb.yaml", "deep.yaml", "deeper.yaml"}
    assert "bomb.yaml" in page(portal, "/catalog/ingestion")
    worker = children(portal, "callboard.project.work")
    assert worker, "the worker lives"
    portal.command("catalog", "unregister", f"file:{place}/*.yaml")


def test_a_location_of_a_thousand_targets_and_circles_come_in(portal, tmp_path):
    tmp_path.chmod(0o755)
    before = components(portal)
    target = fleet(tmp_path / "many", 1000, 1)
    circle = tmp_path / "circle"
    circle.mkdir()
    for one, other in (("a", "b"), ("b", "a")):
        (circle / f"{one}.yaml").write_text(
            "apiVersion: backstage.io/v1alpha1\nkind: Location\n"
            f"metadata: {{name: circle-{one}}}\nspec: {{target: ./{other}.yaml}}\n---\n"
            "apiVersion: backstage.io/v1alpha1\nkind: Group\n"
            f"metadata: {{name: circle-{one}}}\nspec: {{type: team, parent: circle-{other}, children: [circle-{other}]}}\n"
        )
    portal.command("catalog", "import", f"file:{circle}/a.yaml")
    portal.command("catalog", "import", f"file:{target}")
    eventually(lambda: components(portal) == before + 1000, 60, "1,000 files")
    page(portal, "/catalog/default/group/circle-a")
    sql = portal_sql(portal)
    assert sql("SELECT count(*) FROM cb_catalog_source WHERE target LIKE '%/circle/%'") == "2"
    portal.command("catalog", "unregister", f"file:{circle}/a.yaml")
    assert sql("SELECT count(*) FROM cb_catalog_entity WHERE ref LIKE '%circle%'") == "0"


def test_files_never_lead_out_of_their_root(portal, tmp_path):
    tmp_path.chmod(0o755)
    root, secret = tmp_path / "root", tmp_path / "secret.yaml"
    root.mkdir()
    secret.write_text(component("stolen"))
    (root / "link.yaml").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    api = (
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{name: {0}}}\n"
        "spec: {{type: openapi, lifecycle: production, owner: apples, definition: {{$text: {1}}}}}\n"
    )
    (root / "catalog-info.yaml").write_text(
        "---\n".join(
            [
                component("honest"),
                api.format("up", "../secret.yaml"),
                api.format("link", "./link.yaml"),
                api.format("folder", "./folder/secret.yaml"),
                api.format("far", "/etc/passwd"),
                (
                    "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: out}\n"
                    "spec: {targets: [../secret.yaml, ./link.yaml, ./folder/secret.yaml, /etc/hostname]}\n"
                ),
            ]
        )
    )
    import json

    answer = json.loads(portal.command("--json", "catalog", "import", f"file:{root}"))
    sql = portal_sql(portal)
    assert sql("SELECT count(*) FROM cb_catalog_entity WHERE name IN ('stolen', 'up', 'link', 'folder', 'far')") == "0"
    assert sql("SELECT count(*) FROM cb_catalog_emission WHERE entity LIKE '%root:x:%'") == "0"
    assert len([p for p in answer["problems"] if p["code"] == "refused"]) == 8, answer["problems"]
    portal.command("catalog", "unregister", f"file:{root}")
