"""LDAP: find a person, and bind as that person to see whether the password is right."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from callboard.lib.netguard import RefusedError, UnknownHostError, check_address
from callboard.plugins.signin.types import Provider, ProviderFailedError, Vouched

SECONDS = 8
MAX_GROUPS = 1000
_ATTRIBUTES = ["uid", "cn", "mail", "displayName", "sAMAccountName", "userPrincipalName", "givenName", "sn"]
_IDS = ["entryUUID", "objectGUID"]


def vouched_by_password(provider: Provider, username: str, password: str, allow: list[str]) -> Vouched | None:
    """Answer who the person is, or nothing if name or password are wrong; raises :class:`ProviderFailedError`."""
    if not username or not password:
        return None  # an empty password would bind as nobody, and that succeeds
    from ldap3.core.exceptions import LDAPException, LDAPInvalidDnError  # noqa: PLC0415 - not at start-up
    from ldap3.utils.conv import escape_filter_chars  # noqa: PLC0415 - not at start-up

    given = provider.settings
    server = _server(provider, allow)
    try:
        with _bound(server, given.bind_dn, given.bind_password, given.start_tls) as search:
            if search is None:
                raise ProviderFailedError("the directory refuses the searcher: its name or password is wrong")
            query = given.user_filter.replace("{username}", escape_filter_chars(username))
            search.search(given.user_base, query, attributes=[*_ATTRIBUTES, *_IDS], size_limit=2)
            people = [entry for entry in search.response or [] if entry.get("type") == "searchResEntry"]
            if len(people) != 1:
                return None
            person = people[0]
            if not _password_is_right(server, person["dn"], password, given.start_tls):
                return None
            groups = _groups(search, provider, person["dn"])
    except LDAPInvalidDnError:
        return None
    except (LDAPException, OSError) as error:
        raise ProviderFailedError(f"the directory cannot be asked: {error}") from error
    return _vouched(person, username, groups, given.groups_claim)


def probe_directory(provider: Provider, allow: list[str]) -> str:
    """Bind as the searcher; answer a sentence, or raise :class:`ProviderFailedError`."""
    from ldap3.core.exceptions import LDAPException  # noqa: PLC0415 - not at start-up

    given = provider.settings
    try:
        with _bound(_server(provider, allow), given.bind_dn, given.bind_password, given.start_tls) as search:
            if search is None:
                raise ProviderFailedError("the directory refuses the searcher: its name or password is wrong")
            search.search(given.user_base, "(objectClass=*)", "BASE", attributes=["objectClass"])
            if not search.response:
                raise ProviderFailedError(f"there is nothing at {given.user_base}, or the searcher may not see it")
    except (LDAPException, OSError) as error:
        raise ProviderFailedError(f"the directory cannot be asked: {error}") from error
    return f"It answers, and {given.user_base} is there."


def _server(provider: Provider, allow: list[str]) -> Any:
    import ssl  # noqa: PLC0415 - not at start-up

    from ldap3 import NONE, Server, Tls  # noqa: PLC0415 - not at start-up

    target = urlsplit(provider.settings.url)
    secure = target.scheme == "ldaps"
    port = target.port or (636 if secure else 389)
    try:
        address = check_address(target.hostname or "", port, allow)[0]
        # Asked first without the library, which says little and leaves sockets open where nobody answers.
        socket.create_connection((address, port), timeout=SECONDS).close()
    except (RefusedError, UnknownHostError, OSError) as error:
        raise ProviderFailedError(f"the directory cannot be reached: {error}") from error
    tls = Tls(validate=ssl.CERT_REQUIRED, valid_names=[target.hostname or ""])
    return Server(target.hostname or "", port=port, use_ssl=secure, tls=tls, connect_timeout=SECONDS, get_info=NONE)


@contextmanager
def _bound(server: Any, user: str, password: str, start_tls: bool) -> Iterator[Any]:
    """Give a connection that is bound, or nothing where name or password are wrong; it is closed in any case."""
    from ldap3 import Connection  # noqa: PLC0415 - not at start-up

    connection = Connection(
        server,
        user=user or None,
        password=password or None,
        read_only=True,
        receive_timeout=SECONDS,
        auto_referrals=False,
        check_names=False,  # directories differ, and what one does not know it leaves out
    )
    try:
        connection.open()
        if start_tls and not connection.start_tls():
            raise ProviderFailedError("the directory does not encrypt the connection (StartTLS)")
        yield connection if connection.bind() else None
    finally:
        connection.unbind()


def _password_is_right(server: Any, dn: str, password: str, start_tls: bool) -> bool:
    with _bound(server, dn, password, start_tls) as own:
        return own is not None


def _groups(search: Any, provider: Provider, dn: str) -> tuple[str, ...]:
    from ldap3.utils.conv import escape_filter_chars  # noqa: PLC0415 - not at start-up

    given = provider.settings
    if not given.group_base:
        return ()
    query = given.group_filter.replace("{dn}", escape_filter_chars(dn))
    search.search(given.group_base, query, attributes=["cn"], size_limit=MAX_GROUPS)
    found = [entry for entry in search.response or [] if entry.get("type") == "searchResEntry"]
    return tuple(name for entry in found if (name := _first(entry["attributes"], "cn")))


def _vouched(person: dict[str, Any], username: str, groups: tuple[str, ...], groups_claim: str) -> Vouched:
    attributes = person["attributes"]
    uid = next((value for name in _IDS if (value := _first(attributes, name))), person["dn"].lower())
    name = _first(attributes, "displayName") or _first(attributes, "cn")
    own = _first(attributes, "uid") or _first(attributes, "sAMAccountName") or username
    email = _first(attributes, "mail").lower()
    claims: dict[str, Any] = {key: _first(attributes, key) for key in _ATTRIBUTES if _first(attributes, key)}
    claims |= {"dn": person["dn"], "username": own, groups_claim: list(groups)}
    # The directory is the organisation's own list of people, so its addresses are theirs.
    return Vouched(uid, own, email, bool(email), name, groups, claims)


def _first(attributes: Any, name: str) -> str:
    value = attributes.get(name)
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    return str(value or "").strip("{}")
