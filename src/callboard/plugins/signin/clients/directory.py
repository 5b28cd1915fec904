"""LDAP: find a person, and bind as that person to see whether the password is right."""

from __future__ import annotations

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
        with _connection(server, given.bind_dn or None, given.bind_password or None, given.start_tls) as search:
            query = given.user_filter.replace("{username}", escape_filter_chars(username))
            search.search(given.user_base, query, attributes=[*_ATTRIBUTES, *_known(server, _IDS)], size_limit=2)
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
        with _connection(
            _server(provider, allow), given.bind_dn or None, given.bind_password or None, given.start_tls
        ) as search:
            search.search(given.user_base, "(objectClass=*)", "BASE", attributes=["objectClass"])
            if not search.response:
                raise ProviderFailedError(f"there is nothing at {given.user_base}, or the searcher may not see it")
    except (LDAPException, OSError) as error:
        raise ProviderFailedError(f"the directory cannot be asked: {error}") from error
    return f"It answers, and {given.user_base} is there."


def _server(provider: Provider, allow: list[str]) -> Any:
    import ssl  # noqa: PLC0415 - not at start-up

    from ldap3 import SCHEMA, Server, Tls  # noqa: PLC0415 - not at start-up

    target = urlsplit(provider.settings.url)
    secure = target.scheme == "ldaps"
    port = target.port or (636 if secure else 389)
    try:
        check_address(target.hostname or "", port, allow)
    except (RefusedError, UnknownHostError) as error:
        raise ProviderFailedError(str(error)) from error
    tls = Tls(validate=ssl.CERT_REQUIRED, valid_names=[target.hostname or ""])
    return Server(target.hostname or "", port=port, use_ssl=secure, tls=tls, connect_timeout=SECONDS, get_info=SCHEMA)


def _connection(server: Any, user: str | None, password: str | None, start_tls: bool) -> Any:
    from ldap3 import AUTO_BIND_NO_TLS, AUTO_BIND_TLS_BEFORE_BIND, Connection  # noqa: PLC0415 - not at start-up

    how = AUTO_BIND_TLS_BEFORE_BIND if start_tls else AUTO_BIND_NO_TLS
    return Connection(
        server, user=user, password=password, auto_bind=how, read_only=True, receive_timeout=SECONDS,
        auto_referrals=False, raise_exceptions=False,
    )  # fmt: skip


def _password_is_right(server: Any, dn: str, password: str, start_tls: bool) -> bool:
    from ldap3.core.exceptions import LDAPBindError  # noqa: PLC0415 - not at start-up

    try:
        with _connection(server, dn, password, start_tls) as own:
            return bool(own.bound)
    except LDAPBindError:
        return False


def _known(server: Any, names: list[str]) -> list[str]:
    known = server.schema.attribute_types if server.schema else {}
    # Operational attributes are not part of every schema; asking for an unknown one is an error.
    return [name for name in names if name in known]


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
