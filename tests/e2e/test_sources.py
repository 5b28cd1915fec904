"""Connect a source host in the browser, see what it would bring, and find it in the catalog."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.portal import eventually
from tests.servers.hosts import running_host

pytestmark = pytest.mark.e2e

SERVICE = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: %s, title: %s}
spec: {type: service, lifecycle: production, owner: stage-door}
"""


@pytest.fixture
def github(tmp_path):
    """A GitHub with two services, a repository without a catalog file, and a team."""
    with running_host("github", tmp_path) as host:
        host.forge.repo("acme/juggler", {"catalog-info.yaml": SERVICE % ("e2e-juggler", "Juggler")})
        host.forge.repo("acme/acrobat", {"catalog-info.yaml": SERVICE % ("e2e-acrobat", "Acrobat")})
        host.forge.repo("acme/notes", {"README.md": "nothing"})
        host.forge.person("e2e-zoe", "Zoe Tightrope", "zoe@example.com", "acme")
        host.forge.team("acme", "e2e-circus", "Circus", ("e2e-zoe",))
        yield host


def test_a_person_connects_a_source_without_reading_a_manual(administrator, portal, github):
    page = administrator.expects(422).opens("/sources")
    page.get_by_role("link", name=re.compile("Connect (a source|the first)")).first.click()
    page.get_by_role("link", name=re.compile("^GitHub ")).click()

    # Nothing is connected yet, so signing in comes first; a wrong token says what to do.
    expect(page.get_by_role("heading", name="Connect GitHub")).to_be_visible()
    page.get_by_role("textbox", name="Name", exact=True).fill("circus")
    page.get_by_label("Address", exact=False).first.fill(github.url)
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_role("alert")).to_contain_text("private network")
    page.get_by_label("It is on a private network").check()
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("enter new ones")
    page.get_by_label("Token").fill(github.forge.token)
    page.get_by_role("button", name="Connect", exact=True).click()

    # Then what to look for.
    expect(page.get_by_label("Connection")).to_have_value("circus")
    page.get_by_role("textbox", name="Name", exact=True).fill("e2e-circus")
    page.get_by_label("Organisations").fill("acme")
    page.get_by_label("People and teams too").check()
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#page")).to_contain_text("Signed in to")
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("heading", name="What would be found")).to_be_visible()
    expect(page.locator("#page")).to_contain_text("acme/juggler")
    expect(page.locator("#page")).to_contain_text("Zoe Tightrope")
    assert portal.asks("/api/catalog/entities/by-name/component/default/e2e-juggler").status == 404
    page.get_by_role("button", name="Connect and run").click()

    expect(page.get_by_role("heading", name="e2e-circus", exact=True)).to_be_visible()
    expect(page.locator("#source-live")).to_contain_text("Good", timeout=20_000)
    for ref in ("component/default/e2e-juggler", "component/default/e2e-acrobat", "user/default/e2e-zoe"):
        eventually(lambda ref=ref: portal.asks(f"/api/catalog/entities/by-name/{ref}").status == 200, 20, ref)
    page.reload()
    page.get_by_role("link", name="Juggler").click()
    expect(page.get_by_role("heading", name="Juggler")).to_be_visible()

    # The token is nowhere to be read.
    page.goto("/admin/hosts/circus")
    assert github.forge.token not in page.content()
    assert github.forge.token not in portal.asks("/api/hosts/circus").text

    page.goto("/sources/e2e-circus")
    page.get_by_role("button", name="Delete the source").click()
    page.locator("#confirm [data-confirm-yes]").click()
    eventually(lambda: portal.asks("/api/catalog/entities/by-name/component/default/e2e-juggler").status == 404, 20)
