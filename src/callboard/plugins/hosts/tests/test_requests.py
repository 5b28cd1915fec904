"""How requests are sent: paging, ETags, limits, failures, redirects, the guard, and signing in as an app."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from callboard.plugins.hosts.clients import github_app
from callboard.plugins.hosts.clients.base import HostClient
from callboard.plugins.hosts.clients.opening import open_client
from callboard.plugins.hosts.models import KeptAnswer, RateLimit
from callboard.plugins.hosts.services.ledger import DatabaseLedger, forget_old_answers
from callboard.plugins.hosts.tests.conftest import access_of, only
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import FileChange
from tests.servers.forge import Forge
from tests.servers.github import GitHubFace
from tests.servers.hosts import running_host


def repositories(client: HostClient) -> list[str]:
    return [one.name for one in client.repositories("acme")]


@only("github")
@pytest.mark.django_db
def test_unchanged_answers_cost_the_host_nothing(host):
    with open_client(access_of(host), DatabaseLedger("test")) as client:
        first = repositories(client)
    asked, limit = len(host.forge.requests), host.forge.limit
    with open_client(access_of(host), DatabaseLedger("test")) as client:
        assert repositories(client) == first
    assert len(host.forge.requests) == 2 * asked
    assert host.forge.not_modified == asked
    assert host.forge.limit == limit


@only("github")
@pytest.mark.django_db
def test_changed_answers_are_read_anew(host):
    with open_client(access_of(host), DatabaseLedger("test")) as client:
        repositories(client)
        host.forge.repo("acme/zebra", {"a": "b"})
        assert "zebra" in repositories(client)


@pytest.mark.django_db
def test_answers_nobody_asks_for_again_are_dropped():
    DatabaseLedger("test").keep("key", "tag", b"{}", "")
    KeptAnswer.objects.update(used_at="2020-01-01T00:00:00Z")
    assert forget_old_answers() == 1


@only("github", "gitlab", "gitea", "bitbucket", "bitbucket-server")
def test_the_host_is_given_the_time_it_asks_for(host, client):
    host.forge.fail("repos", 429, retry_after="1")
    host.forge.fail("projects", 429, retry_after="1")
    client.patience = 3
    began = time.monotonic()
    assert "basket" in {one.name for one in client.repositories(host.owner)}
    assert time.monotonic() - began >= 1


@only("github")
def test_a_longer_wait_is_an_error_that_says_when_to_come_again(host, client):
    host.forge.fail("/orgs/acme/repos", 429, retry_after="120")
    with pytest.raises(HostError) as error:
        repositories(client)
    assert (error.value.code, error.value.transient) == ("rate-limited", True)
    assert error.value.retry_after == pytest.approx(120, abs=2)


@only("github")
def test_a_used_up_limit_is_told_from_a_missing_right(host, client):
    reset = str(int(time.time()) + 600)
    host.forge.fail("/orgs/acme/repos", 403, x_ratelimit_remaining="0", x_ratelimit_reset=reset)
    with pytest.raises(HostError) as error:
        repositories(client)
    assert error.value.code == "rate-limited"
    assert error.value.retry_after == pytest.approx(600, abs=3)
    host.forge.fail("/orgs/acme/repos", 403, body=b'{"message": "Resource not accessible"}')
    with pytest.raises(HostError) as error:
        repositories(client)
    assert error.value.code == "forbidden"
    assert "Resource not accessible" in error.value.message


@only("github")
@pytest.mark.django_db
def test_a_blocked_host_is_not_asked_by_anybody_until_the_time_is_over(host):
    host.forge.fail("/orgs/acme/repos", 429, retry_after="60")
    with open_client(access_of(host), DatabaseLedger("test")) as client, pytest.raises(HostError):
        repositories(client)
    asked = len(host.forge.requests)
    with open_client(access_of(host), DatabaseLedger("test")) as client, pytest.raises(HostError) as error:
        client.repository("acme/basket")
    assert error.value.code == "rate-limited"
    assert len(host.forge.requests) == asked
    RateLimit.objects.update(blocked_until=None)
    with open_client(access_of(host), DatabaseLedger("test")) as client:
        assert client.repository("acme/basket").name == "basket"


@only("github")
@pytest.mark.django_db
def test_how_far_the_limit_is_used_is_remembered(host):
    ledger = DatabaseLedger("test")
    with open_client(access_of(host), ledger) as client:
        client.repository("acme/basket")
    ledger.flush()
    row = RateLimit.objects.get(connection="test")
    assert (row.limit, row.remaining) == (5000, 4999)
    assert row.reset_at


@only("github")
def test_a_host_that_stumbles_is_asked_again(host, client):
    host.forge.fail("/orgs/acme/repos", 502, times=2, retry_after="0")
    assert "basket" in repositories(client)


@only("github")
def test_a_write_that_may_have_arrived_is_not_sent_twice(host, client):
    host.forge.fail("/issues", 502, times=5)
    with pytest.raises(HostError):
        client.create_issue("acme/basket", "Once")
    assert host.forge.asked("/issues") == 1


@only("github")
def test_an_answer_that_is_no_json_is_an_error_with_a_remedy(host, client):
    host.forge.fail("/repos/acme/basket", 200, body=b"<html>Sign in</html>")
    with pytest.raises(HostError) as error:
        client.repository("acme/basket")
    assert error.value.code == "unreadable"
    assert "address of the API" in error.value.remedy


@only("github")
def test_credentials_stay_behind_when_a_redirect_leads_away(host, client, tmp_path):
    with running_host("github", tmp_path / "other") as other:
        other.forge.repo("acme/basket", {"a": "b"})
        host.forge.fail("/repos/acme/basket", 302, location=f"{other.url}/api/v3/repos/acme/basket")
        with pytest.raises(HostError) as error:
            client.repository("acme/basket")
        assert error.value.code == "unauthorized"
        assert other.forge.requests == ["GET /api/v3/repos/acme/basket"]


@only("github")
def test_a_renamed_repository_is_followed_on_the_same_host(host, client):
    host.forge.fail("/repos/acme/purse", 301, location=f"{host.url}/api/v3/repos/acme/basket")
    assert client.repository("acme/purse").full_name == "acme/basket"


@only("github")
def test_a_redirect_for_ever_ends(host, client):
    host.forge.fail("/repos/acme/loop", 302, times=50, location=f"{host.url}/api/v3/repos/acme/loop")
    with pytest.raises(HostError) as error:
        client.repository("acme/loop")
    assert "redirects" in error.value.message
    assert host.forge.asked("loop") < 30


@only("github")
def test_a_list_that_goes_on_elsewhere_is_not_followed(host, client):
    host.forge.fail("/orgs/acme/repos", 200, body=b"[]", link='<https://evil.example/next>; rel="next"')
    with pytest.raises(HostError) as error:
        repositories(client)
    assert error.value.code == "refused"


@only("github", "git")
def test_a_host_on_a_private_network_needs_leave(host):
    with open_client(access_of(host, private=False)) as client, pytest.raises(HostError) as error:
        client.repository(host.name("basket"))
    assert error.value.code == "refused"
    assert "private network" in error.value.remedy
    assert host.forge.requests == []


def test_link_local_addresses_are_refused_even_then():
    from callboard.plugins.hosts.types.access import Access

    access = Access("test", "github", "http://169.254.169.254", private=True, token="x")
    with open_client(access) as client, pytest.raises(HostError) as error:
        client.repository("acme/basket")
    assert error.value.code == "refused"


@only("github")
def test_an_answer_without_end_is_given_up(host):
    with open_client(access_of(host, max_bytes=1000)) as client, pytest.raises(HostError) as error:
        client.read("acme/basket", "big.bin") if host.forge.repos["acme/basket"].write(
            {"big.bin": b"x" * 2000}
        ) else None
    assert error.value.code == "too-large"


def test_an_app_signs_in_for_each_organisation(tmp_path):
    github_app._tokens.clear()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    forge = Forge(tmp_path)
    with running_host("github", tmp_path, GitHubFace(forge, public)) as host:
        forge.owner("globex", "Globex")
        forge.repo("acme/basket", {"a.txt": "a"})
        forge.repo("globex/lever", {"a.txt": "a"})
        forge.person("bob", "Bob", "bob@example.com", "globex")
        with open_client(access_of(host, token="", app_id="4711", app_key=pem)) as client:
            assert client.whoami().login == "callboard"
            assert [one.path for one in client.organisations()] == ["acme", "globex"]
            assert [one.full_name for one in client.repositories("globex")] == ["globex/lever"]
            assert client.read("acme/basket", "a.txt").text == "a"
            assert [one.login for one in client.members("globex")] == ["bob"]
            client.commit("acme/basket", "main", "Change", [FileChange("a.txt", b"b")])
            with pytest.raises(HostError) as error:
                client.repository("initech/printer")
            assert "not installed in initech" in error.value.message
        assert forge.asked("access_tokens") == 2
    github_app._tokens.clear()


def test_a_key_that_is_none_is_refused_with_a_remedy(tmp_path):
    with (
        running_host("github", tmp_path) as host,
        open_client(access_of(host, token="", app_id="1", app_key="none")) as client,
        pytest.raises(HostError) as error,
    ):
        client.whoami()
    assert ".pem" in error.value.remedy
