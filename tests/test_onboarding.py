"""Repositories come in over a host that speaks the real protocol: chosen, corrected, imported, asked for, merged."""

import pytest
import yaml

from callboard.plugins.catalog.models import Entity, Tombstone
from callboard.plugins.catalog.tests.engine import entity, loopback, refs
from callboard.plugins.catalog.tests.pages import Browser, text_of
from callboard.plugins.hosts import selectors as hosts
from callboard.plugins.hosts.services.connections import create_connection
from callboard.plugins.onboarding import jobs, selectors, services
from callboard.sdk.auth import OPERATOR, SYSTEM, Principal, act_as
from callboard.sdk.permissions import NotAllowedError
from tests.servers.hosts import running_host

pytestmark = pytest.mark.django_db

SHOP = "component:default/shop"


class Notes:
    """What a job says of itself."""

    def __init__(self):
        self.said, self.lines = [], []

    def progress(self, done, total, text=""):
        self.said.append((done, total, text))

    def log(self, text, level="info"):
        self.lines.append((level, text))


@pytest.fixture
def forge(tmp_path):
    hosts.forget()
    with running_host("github", tmp_path) as running, act_as(OPERATOR, "cli"):
        running.forge.repo(
            "acme/shop",
            {"go.mod": "module shop", "CODEOWNERS": "* @acme/shop-team\n", "docs/index.md": "# Shop"},
            description="Sells fruit",
            language="Go",
        )
        running.forge.repo(
            "acme/mono", {"apps/web/package.json": '{"dependencies": {"vue": "1"}}', "apps/api/go.mod": "module api"}
        )
        running.forge.repo("acme/known", {"catalog-info.yaml": "kind: Component\n"})
        create_connection("forge", running.connection)
        yield running.forge
    hosts.forget()


def look(*names):
    services.choose("forge", names)
    notes = Notes()
    with act_as(SYSTEM, "job"):
        jobs.look(notes, "forge")
    return {row.full_name: row for row in selectors.chosen()}, notes


def test_a_repository_is_looked_at_and_imported_without_yaml(forge):
    rows, notes = look("acme/shop", "acme/mono", "acme/known", "acme/none")
    shop = rows["acme/shop"]
    assert shop.state == "ready"
    (one,) = selectors.components_of(shop)
    assert (one.name, one.owner, one.language, one.docs) == ("shop", "group:shop-team", "go", True)
    assert [c.name for c in selectors.components_of(rows["acme/mono"])] == ["mono-api", "mono-web"]
    assert rows["acme/known"].catalog_file == "catalog-info.yaml"
    assert (rows["acme/none"].state, bool(rows["acme/none"].message)) == ("failed", True)
    assert notes.said[-1][:2] == (4, 4)
    done = services.import_repositories(list(rows.values()))
    assert set(refs()) >= {SHOP, "component:default/mono-api", "component:default/mono-web"}
    assert any("acme/none" in text for text in done["rejected"])
    assert entity(SHOP)["metadata"]["annotations"]["backstage.io/managed-by-location"] == "push:portal"


def test_a_merged_pull_request_hands_the_entity_over_and_back_without_loss(forge):
    rows, _ = look("acme/shop")
    row = rows["acme/shop"]
    services.correct(row, [{**row.components[0], "owner": "group:fruit", "lifecycle": "experimental"}])
    services.import_repositories([row])
    uid = Entity.objects.get(ref=SHOP).uid
    assert services.request_files([row]) == 1
    notes = Notes()
    with act_as(SYSTEM, "job"):
        jobs.request(notes)
        row.refresh_from_db()
        assert row.state == "requested", row.message
        assert row.pull_request
        # Asked again, it is the same request.
        services.request_files([row])
        repo = forge.find("acme/shop")
        assert len(repo.pulls) == 1
        jobs.follow(Notes())
        row.refresh_from_db()
        assert row.state == "requested"
        commit = repo.commit_of(services.BRANCH)
        text = repo.git("show", f"{commit}:catalog-info.yaml").decode()
    before = entity(SHOP)
    (written,) = yaml.safe_load_all(text)
    assert written["spec"] == before["spec"] == {"type": "service", "lifecycle": "experimental", "owner": "group:fruit"}
    repo.git("update-ref", "refs/heads/main", commit)
    (repo.pulls[0] if isinstance(repo.pulls, list) else next(iter(repo.pulls.values()))).state = "merged"
    with act_as(SYSTEM, "job"), loopback():
        jobs.follow(Notes())
    row.refresh_from_db()
    assert (row.state, row.message) == ("file", "")
    after = entity(SHOP)
    assert after["spec"] == before["spec"]
    assert not after["metadata"]["annotations"]["backstage.io/managed-by-location"].startswith("push:")
    services.manage_here(row)
    back = entity(SHOP)
    assert back["spec"] == before["spec"]
    assert back["metadata"]["annotations"]["backstage.io/managed-by-location"] == "push:portal"
    assert Entity.objects.get(ref=SHOP).uid == uid
    assert not Tombstone.objects.filter(ref=SHOP).exists()


def test_only_administrators_look_through_hosts(forge):
    ann = Principal("user", "user:default/ann", "Ann", ("user:default/ann",))
    calls = (
        lambda: services.choose("forge", ["acme/shop"]),
        selectors.connected_hosts,
        lambda: selectors.organisations_of("forge"),
        lambda: selectors.repositories_of("forge", "acme"),
        lambda: services.import_repositories([]),
        lambda: services.request_files([]),
    )
    for call in calls:
        with act_as(ann, "ui"), pytest.raises(NotAllowedError):
            call()


def test_a_person_goes_through_the_pages(forge):
    root = Browser("root", administrator=True)
    page = text_of(root.get("/onboarding"))
    assert "acme" in page.lower()
    page = text_of(root.client.get("/onboarding", {"host": "forge", "owner": "acme", "text": "sho"}))
    assert "acme/shop Sells fruit" in page
    assert "acme/mono" not in page
    answer = root.post("/onboarding", {"host": "forge", "owner": "acme", "repository": ["acme/shop", "acme/mono"]})
    assert answer.headers["Location"] == "/onboarding/repositories"
    with act_as(SYSTEM, "job"):
        jobs.look(Notes(), "forge")
    with act_as(OPERATOR, "cli"):
        rows = {row.full_name: row for row in selectors.chosen()}
    assert "group:shop-team" in text_of(root.get("/onboarding/repositories"))
    mono = f"/onboarding/repositories/{rows['acme/mono'].uid}"
    assert "found by apps/web/package.json" in text_of(root.get(mono))
    fields = {"0-name": "api", "0-include": "1", "0-owner": "group:api", "0-type": "service", "0-lifecycle": "production",
              "1-name": "web", "action": "import"}  # fmt: skip
    root.post(mono, fields)
    assert "component:default/api" in refs()
    assert "component:default/web" not in refs()
    root.post("/onboarding/repositories", {"action": "import", "id": [str(rows["acme/shop"].uid)]})
    assert SHOP in refs()
    assert "in the portal" in text_of(root.get("/onboarding/repositories?part=1"))


def test_the_api_chooses_corrects_and_imports(forge):
    import orjson

    from callboard.plugins.catalog.tests.api import Api

    api = Api("admin")
    (made,) = api.post("/api/onboarding/repositories", {"host": "forge", "repositories": ["acme/shop"]})
    assert made["state"] == "waiting"
    with act_as(SYSTEM, "job"):
        jobs.look(Notes(), "forge")
    (row,) = api.get("/api/onboarding/repositories")
    (one,) = row["components"]
    changed = api.call(
        "PUT", f"/api/onboarding/repositories/{row['id']}", {"components": [{**one, "owner": "group:x"}]}
    )
    assert orjson.loads(changed.content)["components"][0]["owner"] == "group:x"
    done = api.post("/api/onboarding/act", {"action": "import", "ids": [row["id"]]})
    assert done == {"imported": [SHOP], "rejected": []}
    assert entity(SHOP)["spec"]["owner"] == "group:x"
    assert (
        api.call("POST", "/api/onboarding/repositories", {"host": "none", "repositories": ["a/b"]}).status_code == 400
    )
    assert api.call("POST", "/api/onboarding/act", {"action": "import", "ids": ["x"]}).status_code == 404
