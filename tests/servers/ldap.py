"""A real `slapd` on a free port, with a directory of its own."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BASE = "dc=example,dc=com"
ADMIN = f"cn=admin,{BASE}"
PASSWORD = "s3cret"

_TREE = f"""\
dn: {BASE}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{BASE}
objectClass: organizationalUnit
ou: groups
"""


@dataclass
class Directory:
    """A running directory."""

    url: str
    port: int
    base: str = BASE
    admin: str = ADMIN
    password: str = PASSWORD

    def add(self, ldif: str) -> None:
        self._run("ldapadd", ldif)

    def modify(self, ldif: str) -> None:
        self._run("ldapmodify", ldif)

    def person(self, uid: str, name: str, mail: str = "") -> None:
        mail = f"mail: {mail}\n" if mail else ""
        self.add(
            f"dn: uid={uid},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {name}\nsn: {name}\n{mail}"
        )

    def group(self, name: str, *members: str, description: str = "") -> None:
        lines = "".join(f"member: {member}\n" for member in members)
        text = f"description: {description}\n" if description else ""
        self.add(f"dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {name}\n{text}{lines}")

    def _run(self, tool: str, ldif: str) -> None:
        command = [tool, "-x", "-H", self.url, "-D", ADMIN, "-w", PASSWORD]
        subprocess.run(command, input=ldif.encode(), check=True, capture_output=True)


@contextmanager
def running_ldap(place: Path) -> Iterator[Directory]:
    """Serve a directory with two empty branches, `ou=people` and `ou=groups`."""
    data = place / "data"
    data.mkdir(parents=True)
    modules = next(path for path in (Path("/usr/lib/ldap"), Path("/usr/lib64/openldap")) if path.is_dir())
    schema = next(path for path in (Path("/etc/ldap/schema"), Path("/etc/openldap/schema")) if path.is_dir())
    config = place / "slapd.conf"
    config.write_text(
        "".join(f"include {schema}/{name}.schema\n" for name in ("core", "cosine", "inetorgperson", "nis"))
        + f"modulepath {modules}\nmoduleload back_mdb\npidfile {place}/slapd.pid\nsizelimit 10000\n"
        f'database mdb\nsuffix "{BASE}"\nrootdn "{ADMIN}"\nrootpw {PASSWORD}\ndirectory {data}\nmaxsize 104857600\n'
        f"access to * by anonymous auth by users read\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"ldap://127.0.0.1:{port}"
    slapd = shutil.which("slapd") or "/usr/sbin/slapd"
    process = subprocess.Popen(
        [slapd, "-h", url, "-f", str(config), "-d", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port, process)
        directory = Directory(url, port)
        directory.add(_TREE)
        yield directory
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        assert process.poll() is None, "slapd ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("slapd does not answer")
