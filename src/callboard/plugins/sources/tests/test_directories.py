"""Users and groups of a real LDAP server."""

import pytest

from callboard.plugins.sources.services.keeping import change_source
from callboard.plugins.sources.services.running import preview_source, try_source
from callboard.plugins.sources.tests.conftest import entity, made, refs, run_source
from callboard.plugins.sources.types.found import SourceError
from tests.servers.ldap import BASE, running_ldap

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    with running_ldap(tmp_path_factory.mktemp("ldap")) as running:
        for number in range(620):
            running.person(f"p{number}", f"Person {number}") if number < 3 else None
        running.person("ada", "Ada Lovelace", "ada@example.com")
        running.person("bob", "Bob (the) Builder, Sr.")
        ada, bob = (f"uid={uid},ou=people,{BASE}" for uid in ("ada", "bob"))
        running.group("analysts", ada, bob, description="They analyse")
        running.group("engineering", f"cn=analysts,ou=groups,{BASE}", ada.replace("uid=ada,", "UID = ada , "))
        running.add(f"dn: cn=unix,ou=groups,{BASE}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 1\nmemberUid: bob\n")
        running.add(
            "".join(
                f"dn: uid=n{n},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: n{n}\ncn: N {n}\nsn: N\n\n"
                for n in range(600)
            )
        )
        yield running


def settings(directory, **more):
    found = {
        "url": directory.url,
        "bind_dn": directory.admin,
        "password": directory.password,
        "users_base": f"ou=people,{BASE}",
        "groups_base": f"ou=groups,{BASE}",
        "users_filter": "(|(uid=ada)(uid=bob))",
    }
    return {**found, **more}


def test_users_and_groups_arrive_with_their_relations(directory):
    made("it", "ldap", **settings(directory))
    done = run_source("it")
    assert done.found == {"Group": 3, "User": 2}
    ada = entity("user:default/ada")
    assert ada["spec"]["profile"] == {"displayName": "Ada Lovelace", "email": "ada@example.com"}
    assert ada["spec"]["memberOf"] == ["analysts", "engineering"]
    assert ada["metadata"]["annotations"]["backstage.io/ldap-dn"] == f"uid=ada,ou=people,{BASE}"
    analysts = entity("group:default/analysts")
    assert analysts["spec"]["parent"] == "engineering"
    assert analysts["metadata"]["description"] == "They analyse"
    assert entity("user:default/bob")["spec"]["profile"]["displayName"] == "Bob (the) Builder, Sr."


def test_plain_names_of_posix_groups_are_understood(directory):
    made(
        "it",
        "ldap",
        **settings(directory, groups_filter="(cn=unix)", groups_map={"name": "cn", "members": "memberUid"}),
    )
    run_source("it")
    assert entity("user:default/bob")["spec"]["memberOf"] == ["unix"]


def test_more_people_than_a_page_arrive(directory):
    look = preview_source("ldap", settings(directory, users_filter="(uid=n*)", groups_base=""), limit=0)
    assert look.discovery.counts() == {"User": 600}
    assert look.discovery.complete


def test_who_leaves_the_directory_leaves_the_catalog(directory):
    made("it", "ldap", **settings(directory))
    run_source("it")
    change_source("it", settings(directory, users_filter="(uid=ada)"))
    run_source("it")
    assert "user:default/bob" not in refs()
    assert "user:default/ada" in refs()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"password": "wrong"}, "does not let"),
        ({"users_base": "ou=nowhere,dc=example,dc=com"}, "refuses to search"),
        ({"users_filter": "(uid=ada"}, "filter"),
        ({"url": "ldap://127.0.0.1:1"}, "did not answer"),
        ({"private": False}, "not a public address"),
        ({"users_map": {"name": "uid)(x"}}, "no name of an attribute"),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy(directory, changed, words):
    with pytest.raises(SourceError) as error:
        preview_source("ldap", settings(directory, **changed))
    assert words in error.value.message
    assert error.value.remedy
    assert "s3cret" not in str(error.value)


def test_a_test_signs_in(directory):
    assert directory.admin in try_source("ldap", settings(directory))
