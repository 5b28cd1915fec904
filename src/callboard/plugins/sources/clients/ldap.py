"""Read users and groups of LDAP and Active Directory, a page at a time."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from callboard.lib.netguard import PRIVATE_NETWORKS, RefusedError, UnknownHostError, check_address
from callboard.plugins.sources.clients.entities import group_entity, name_of, user_entity
from callboard.plugins.sources.settings import LdapSource
from callboard.plugins.sources.types.found import Discovery, SourceError

PAGE = 500
_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 60
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9;.-]*\Z")


def read_directory(settings: LdapSource, limit: int = 0) -> Discovery:
    """Find users and groups; ``limit`` ends after so many of each, for a first look."""
    found = Discovery()
    users: dict[str, tuple[str, dict[str, Any]]] = {}
    groups: dict[str, tuple[str, dict[str, Any]]] = {}
    with _connection(settings) as connection:
        if settings.users_base:
            for dn, values in _entries(
                connection, settings.users_base, settings.users_filter, settings.users_map, found, limit
            ):
                found.looked_at["users"] += 1
                _keep(dn, values, users, found)
        if settings.groups_base:
            for dn, values in _entries(
                connection, settings.groups_base, settings.groups_filter, settings.groups_map, found, limit
            ):
                found.looked_at["groups"] += 1
                _keep(dn, values, groups, found)
    _take(settings, users, groups, found)
    return found


def check_directory(settings: LdapSource) -> str:
    """Sign in and answer who that is; raises :class:`SourceError`."""
    if not (settings.users_base or settings.groups_base):
        raise SourceError("Neither users nor groups are looked for.", "Say below which DN they are.")
    with _connection(settings) as connection:
        for base in filter(None, (settings.users_base, settings.groups_base)):
            _search(connection, base, "(objectClass=*)", ["objectClass"], scope="BASE")
        return settings.bind_dn or "anonymous"


@contextmanager
def _connection(settings: LdapSource) -> Iterator[Any]:
    import ldap3  # noqa: PLC0415 - few portals have a directory
    from ldap3.core.exceptions import LDAPException  # noqa: PLC0415

    parts = urlsplit(settings.url)
    encrypted = parts.scheme == "ldaps"
    host, port = parts.hostname or "", parts.port or (636 if encrypted else 389)
    try:
        addresses = check_address(host, port, PRIVATE_NETWORKS if settings.private else ())
    except RefusedError as error:
        raise SourceError(
            f"{error}.", "If the directory is your company's, tick “It is on a private network”."
        ) from None
    except UnknownHostError as error:
        raise SourceError(f"{error}.", "Check the address.") from None
    tls = None
    if encrypted or settings.start_tls:
        # The name is checked against the certificate, although the judged address is connected to.
        tls = ldap3.Tls(
            validate=ssl.CERT_REQUIRED,
            ca_certs_data=settings.certificate or None,
            sni=host,
            valid_names=[host],
        )
    server = ldap3.Server(
        addresses[0], port=port, use_ssl=encrypted, tls=tls, connect_timeout=_CONNECT_SECONDS, get_info=ldap3.NONE
    )
    connection = ldap3.Connection(
        server,
        user=settings.bind_dn or None,
        password=settings.password or None,
        receive_timeout=_ANSWER_SECONDS,
        auto_referrals=False,
        read_only=True,
    )
    try:
        connection.open()
        if settings.start_tls and not encrypted:
            connection.start_tls()
        if not connection.bind():
            said = connection.result.get("message") or connection.result.get("description")
            raise SourceError(
                f"The directory does not let {settings.bind_dn or 'anonymous'} in: {said}.",
                "Check the DN and the password of the account.",
                code="unauthorized",
            )
        yield connection
    except LDAPException as error:
        raise SourceError(
            f"{settings.url} did not answer as a directory does: {error}.",
            "Check address and port, and for ldaps the certificate authority.",
            code="unavailable",
        ) from None
    finally:
        connection.unbind()
        # A connection that was never made keeps its socket otherwise.
        if connection.socket is not None:
            connection.socket.close()


def _search(connection: Any, base: str, filter_: str, attributes: list[str], *, scope: str = "SUBTREE") -> None:
    from ldap3.core.exceptions import LDAPInvalidFilterError, LDAPObjectClassError  # noqa: PLC0415

    try:
        done = connection.search(base, filter_, search_scope=scope, attributes=attributes)
    except (LDAPInvalidFilterError, LDAPObjectClassError) as error:
        raise SourceError(f"The filter {filter_} cannot be read: {error}.", "Check its parentheses.") from None
    if not done and connection.result["result"] != 0:
        description = connection.result["description"]
        raise SourceError(
            f"The directory refuses to search {base}: {description}.",
            "Check that the DN is there, and that the account may read it.",
            code="not-found" if description == "noSuchObject" else "forbidden",
        )


def _entries(
    connection: Any, base: str, filter_: str, mapping: Mapping[str, str], found: Discovery, limit: int
) -> Iterator[tuple[str, dict[str, list[str]]]]:
    from ldap3.core.exceptions import LDAPInvalidFilterError  # noqa: PLC0415

    for field, attribute in mapping.items():
        if not _ATTRIBUTE.match(attribute):
            raise SourceError(f"{attribute} (for {field}) is no name of an attribute.", "Correct it.")
    _search(connection, base, "(objectClass=*)", ["objectClass"], scope="BASE")
    cookie: Any = None
    count = 0
    while True:
        try:
            connection.search(
                base, filter_, attributes=sorted(set(mapping.values())), paged_size=PAGE, paged_cookie=cookie
            )
        except LDAPInvalidFilterError:
            raise SourceError(f"The filter {filter_} cannot be read.", "Check its parentheses.") from None
        if connection.result["result"] not in (0, 4):
            description = connection.result["description"]
            found.trouble(base, f"The directory stopped answering: {description}.", "Check the rights of the account.")
            return
        for entry in connection.response:
            if entry.get("type") != "searchResEntry":
                continue
            count += 1
            raw = {key.lower(): value for key, value in entry["raw_attributes"].items()}
            values = {
                field: [_text(item) for item in raw.get(attribute.lower(), ())] for field, attribute in mapping.items()
            }
            yield entry["dn"], values
            if limit and count >= limit:
                found.complete = False
                return
        control = connection.result.get("controls", {}).get("1.2.840.113556.1.4.319", {})
        cookie = control.get("value", {}).get("cookie")
        if connection.result["result"] == 4 and not cookie:
            found.trouble(base, "The directory gives only the first entries of many.", "Raise its size limit.")
            return
        if not cookie:
            return


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _keep(dn: str, values: dict[str, list[str]], kept: dict[str, tuple[str, dict[str, Any]]], found: Discovery) -> None:
    name = name_of(next(iter(values.get("name", ())), ""))
    if not name:
        found.trouble(dn, "The entry has no name.", "Say in the map which attribute holds it.", complete=True)
        return
    kept[_canonical(dn)] = (name, values)


def _take(
    settings: LdapSource,
    users: dict[str, tuple[str, dict[str, Any]]],
    groups: dict[str, tuple[str, dict[str, Any]]],
    found: Discovery,
) -> None:
    by_name = {name: dn for dn, (name, _) in users.items()}
    member_of: dict[str, set[str]] = {dn: set() for dn in users}
    parents: dict[str, str] = {}
    for dn, (name, values) in groups.items():
        for member in values.get("members", ()):
            # memberUid holds plain names, member and uniqueMember hold DNs.
            target = _canonical(member) if "=" in member else by_name.get(name_of(member), "")
            if target in member_of:
                member_of[target].add(name)
            elif target in groups and target != dn:
                parents.setdefault(target, name)
    for own, (_, values) in [*users.items(), *groups.items()]:
        for parent in values.get("memberOf", ()):
            above = groups.get(_canonical(parent))
            if above is None:
                continue
            if own in member_of:
                member_of[own].add(above[0])
            elif own != _canonical(parent):
                parents.setdefault(own, above[0])
    for dn, (name, values) in groups.items():
        found.entities.append(
            group_entity(
                name,
                namespace=settings.namespace,
                type_=_first(values, "type"),
                display_name=_first(values, "displayName"),
                email=_first(values, "email"),
                description=_first(values, "description"),
                parent=parents.get(dn, ""),
                annotations={"backstage.io/ldap-dn": dn},
            )
        )
    for dn, (name, values) in users.items():
        found.entities.append(
            user_entity(
                name,
                namespace=settings.namespace,
                display_name=_first(values, "displayName"),
                email=_first(values, "email"),
                picture=_first(values, "picture"),
                description=_first(values, "description"),
                groups=member_of[dn],
                annotations={"backstage.io/ldap-dn": dn},
            )
        )


def _first(values: Mapping[str, list[str]], field: str) -> str:
    return next(iter(values.get(field, ())), "")


def _canonical(dn: str) -> str:
    """Write a DN so that two ways of writing the same one are equal."""
    return ",".join(part.strip().lower() for part in re.split(r"(?<!\\),", re.sub(r"\s*=\s*", "=", dn)))
