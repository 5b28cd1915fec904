"""Signing in with the password of a directory: a real slapd on loopback."""

import os
import shutil
import socket
import subprocess
import time

import pytest
from django.test import Client

from callboard.core.auth import services
from callboard.core.auth.models import User
from callboard.plugins.signin.models import Outcome
from tests.signin.parts import free_port

pytestmark = pytest.mark.django_db
LDIF = """\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: cn=reader,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reading

dn: uid=ada,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
sn: Lovelace
displayName: Ada Lovelace
mail: ada@example.com
userPassword: engine of analysis

dn: uid=eve,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: eve
cn: Eve
sn: Eve
mail: eve@elsewhere.example
userPassword: apple of knowledge

dn: cn=engines,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: engines
member: uid=ada,ou=people,dc=example,dc=com
"""
CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {place}/pid
modulepath /usr/lib/ldap
moduleload back_mdb
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=example,dc=com" read by dn.exact="cn=admin,dc=example,dc=com" write by * none
database mdb
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw admin
directory {place}/db
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    slapd = shutil.which("slapd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert slapd, "There is no slapd. Install Debian's (apt-get install slapd)."
    place, port = tmp_path_factory.mktemp("slapd"), free_port()
    (place / "db").mkdir()
    (place / "slapd.conf").write_text(CONFIG.format(place=place))
    (place / "people.ldif").write_text(LDIF)
    command = [slapd, "-T", "add", "-f", str(place / "slapd.conf"), "-l", str(place / "people.ldif")]
    filled = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert filled.returncode == 0, filled.stderr
    process = subprocess.Popen([slapd, "-d", "0", "-h", f"ldap://127.0.0.1:{port}", "-f", str(place / "slapd.conf")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait(port, process):
    end = time.monotonic() + 20
    while True:
        assert process.poll() is None, "slapd did not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def ldap(provide, directory, people):
    def use(**more):
        provide(corp={
            "type": "ldap", "url": f"ldap://127.0.0.1:{directory}", "bind_dn": "cn=reader,dc=example,dc=com",
            "bind_password": "reading", "user_base": "ou=people,dc=example,dc=com",
            "group_base": "ou=groups,dc=example,dc=com", **more,
        })  # fmt: skip

    use()
    return use


def sign_in(browser, name, password):
    return browser.post("/sign-in", {"login": name, "password": password})


def test_a_person_comes_in_with_the_directory_s_password(client, ldap):
    assert sign_in(client, "ada", "engine of analysis")["Location"] == "/"
    user = User.objects.get()
    assert (user.entity_ref, user.email, user.get_full_name()) == (
        "user:default/ada",
        "ada@example.com",
        "Ada Lovelace",
    )
    assert user.idp_groups == ["corp:engines"]
    assert not user.has_usable_password()
    assert client.get("/settings").status_code == 200


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong"),
        ("ada", ""),
        ("nobody", "engine of analysis"),
        ("*", "engine of analysis"),
        ("ada)(uid=*", "engine of analysis"),
        ("a*", "engine of analysis"),
        ("ada\x00", "engine of analysis"),
    ],
)
def test_a_wrong_password_or_a_trick_opens_nothing(client, ldap, name, password):
    answer = sign_in(client, name, password)
    assert answer.status_code == 200, list(Outcome.objects.values("reason", "details"))
    assert client.get("/settings").status_code == 302
    assert not User.objects.exists()


def test_whom_the_catalog_does_not_know_is_told_why(client, ldap):
    assert sign_in(client, "eve", "apple of knowledge")["Location"] == "/sign-in/refused"
    page = client.get("/sign-in/refused")
    assert page.status_code == 403
    assert Outcome.objects.get().reason == "unknown"
    assert sign_in(client, "ada", "engine of analysis")["Location"] == "/"


def test_local_accounts_go_on_working_beside_it_unless_they_are_switched_off(client, ldap, monkeypatch):
    from callboard.core.config.current import portal_config

    services.create_user("local", password="correct horse battery")
    assert sign_in(client, "local", "correct horse battery")["Location"] == "/"
    monkeypatch.setattr(portal_config().rooms["signin"], "password", False)
    refused = sign_in(Client(), "local", "correct horse battery")
    assert refused.status_code == 200
    assert "cannot sign in here" in refused.content.decode()
    assert sign_in(Client(), "ada", "engine of analysis")["Location"] == "/"


def test_a_directory_that_is_down_is_said_so_and_local_accounts_come_in(client, provide, people):
    provide(corp={"type": "ldap", "url": "ldap://127.0.0.1:9", "user_base": "dc=x"})
    services.create_user("local", password="correct horse battery")
    assert sign_in(client, "local", "correct horse battery")["Location"] == "/"
    other = Client()
    assert sign_in(other, "ada", "engine of analysis")["Location"] == "/sign-in/refused"
    assert other.get("/sign-in/refused").status_code == 503


def test_guessing_is_limited(client, ldap):
    answers = [sign_in(client, "ada", f"guess {n}").content.decode() for n in range(12)]
    assert "Too many attempts" in answers[-1]


def test_an_administrator_tries_it_out(admin_client, ldap):
    assert "It answers" in admin_client.get("/admin/sign-in/providers/corp/test").content.decode()
    answer = admin_client.post(
        "/admin/sign-in/providers/corp/test", {"username": "ada", "password": "engine of analysis"}
    )
    page = admin_client.get(answer["Location"]).content.decode()
    assert "Would be let in as user:default/ada" in page
    assert "engine of analysis" not in page
    assert User.objects.filter(username="ada").count() == 0
