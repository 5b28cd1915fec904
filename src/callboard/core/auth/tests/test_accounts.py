from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from callboard.core.auth import services
from callboard.core.auth.everybody import everybody, principal_named
from callboard.core.auth.models import OneTimeLink, User
from callboard.core.auth.people import Listed, default_ref, person_of, principal_of, use_people_directory
from callboard.core.auth.throttle import attempt, client_ip, forgive
from callboard.core.config.current import portal_config

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret"


class Directory:
    asked = 0

    def find_user_ref(self, username, email):
        self.asked += 1
        return "user:default/ada.l" if email == "ada@example.org" else ""

    def ownership_refs(self, user_ref):
        return ("group:default/engines", "group:default/all") if user_ref == "user:default/ada.l" else ()

    def people(self):
        yield Listed("user:default/ada.l", "Ada L.", "ada@example.org", ("group:default/all", "group:default/engines"))
        yield Listed("user:default/eve", "Eve")

    def groups(self):
        yield Listed("group:default/all", "All")


class BrokenDirectory(Directory):
    def find_user_ref(self, username, email):
        raise RuntimeError("the catalog is on fire")


@pytest.fixture
def directory():
    used = Directory()
    use_people_directory(used)
    yield used
    use_people_directory(None)


@pytest.fixture
def ada():
    return services.create_user("ada", password=PASSWORD, email="ada@example.org", name="Ada Lovelace")


def test_names_differ_without_regard_to_case(ada):
    with pytest.raises(services.AccountError, match="username") as caught:
        services.create_user("ADA", password=PASSWORD)
    assert caught.value.field == "username"


def test_addresses_differ_without_regard_to_case_but_many_may_have_none(ada):
    with pytest.raises(services.AccountError) as caught:
        services.create_user("other", password=PASSWORD, email="Ada@Example.org")
    assert caught.value.field == "email"
    services.create_user("first", password=PASSWORD)
    services.create_user("second", password=PASSWORD)


@pytest.mark.parametrize("password", ["short", "password123", "adalovelace"])
def test_a_weak_password_is_refused(password):
    with pytest.raises(services.AccountError) as caught:
        services.create_user("adalovelace", password=password)
    assert caught.value.field == "password"
    assert not User.objects.filter(username="adalovelace").exists()


def test_an_account_without_an_entity_has_a_ref_of_its_own(ada):
    person = person_of(ada)
    assert (person.ref, person.ownership_refs, person.in_catalog) == (
        "user:default/ada",
        ("user:default/ada",),
        False,
    )


@pytest.mark.parametrize(
    ("username", "ref"),
    [("Ada", "user:default/ada"), ("a@b.org", "user:default/a-b-org"), ("___", "user:default/unnamed")],
)
def test_a_username_becomes_a_valid_ref(username, ref):
    assert default_ref(username) == ref


def test_a_person_owns_through_the_groups_of_the_catalog(ada, directory):
    who = principal_of(ada)
    assert who.ref == "user:default/ada.l"
    assert who.ownership_refs == ("user:default/ada.l", "group:default/engines", "group:default/all")


def test_the_directory_is_asked_once_in_a_while(ada, directory):
    for _ in range(3):
        person_of(ada)
    assert directory.asked == 1


def test_a_broken_directory_keeps_nobody_out(ada):
    use_people_directory(BrokenDirectory())
    try:
        assert principal_of(ada).ref == "user:default/ada"
    finally:
        use_people_directory(None)


def test_members_of_a_configured_group_administer(ada, directory):
    settings = portal_config().auth
    before = settings.administrators
    settings.administrators = ["group:engines"]
    try:
        assert principal_of(ada).administrator
        settings.administrators = ["group:others", "not a ref: at/all/"]
        assert not principal_of(ada).administrator
    finally:
        settings.administrators = before


def test_a_setup_link_makes_one_administrator_once():
    secret = services.create_setup_link()
    user = services.use_link(secret, username="root", password=PASSWORD)
    assert user.is_superuser
    with pytest.raises(services.AccountError, match="used already"):
        services.use_link(secret, username="second", password=PASSWORD)
    assert services.create_setup_link() is None


def test_a_setup_link_is_worthless_once_there_is_an_account():
    secret = services.create_setup_link()
    services.create_user("ada", password=PASSWORD)
    with pytest.raises(services.AccountError):
        services.use_link(secret, username="root", password=PASSWORD)


def test_a_newer_setup_link_replaces_the_older():
    old = services.create_setup_link()
    new = services.create_setup_link()
    assert services.find_link(old) is None
    assert services.find_link(new) is not None


def test_a_link_expires():
    secret = services.create_setup_link()
    OneTimeLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert services.find_link(secret) is None
    with pytest.raises(services.AccountError):
        services.use_link(secret, username="root", password=PASSWORD)


def test_a_failed_use_of_a_link_does_not_spend_it():
    secret = services.create_setup_link()
    with pytest.raises(services.AccountError):
        services.use_link(secret, username="root", password="short")
    assert services.use_link(secret, username="root", password=PASSWORD)


def test_attempts_are_counted_per_subject_and_forgiven():
    assert [attempt("a", 2, 60) for _ in range(3)] == [True, True, False]
    assert attempt("b", 2, 60)
    forgive("a")
    assert attempt("a", 2, 60)


def test_a_window_ends():
    assert attempt("a", 1, 0)
    assert attempt("a", 1, 0)


def test_a_forwarded_address_counts_only_behind_a_trusted_proxy(rf):
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.9")
    assert client_ip(request) == "10.0.0.1"
    settings = portal_config().server
    before = settings.trusted_proxies
    settings.trusted_proxies = ["10.0.0.0/8"]
    try:
        # The left part is whatever the caller wrote there.
        assert client_ip(request) == "203.0.113.9"
    finally:
        settings.trusted_proxies = before


def test_everybody_is_who_they_are_one_by_one(directory, ada, django_assert_num_queries):
    services.create_user("bob", password=PASSWORD, administrator=True)
    services.set_active(services.create_user("gone", password=PASSWORD), active=False)
    with django_assert_num_queries(1):  # of accounts; the directory of this test is no table
        found = {who.ref: who for who in everybody()}
    assert set(found) == {"user:default/ada.l", "user:default/bob", "user:default/eve"}
    one = principal_of(ada)
    assert set(found[one.ref].ownership_refs) == set(one.ownership_refs)
    assert found["user:default/bob"].administrator
    assert principal_named("User:Default/EVE") == found["user:default/eve"]
    assert principal_named("user:default/gone") is None
