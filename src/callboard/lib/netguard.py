"""Keep requests that follow a user's address off private networks.

A name is looked up once and every address it leads to is judged. The caller connects to a judged
address and to nothing else, so that a second look-up cannot lead elsewhere (DNS rebinding).
"""

import fnmatch
import ipaddress
import socket
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Public by number, yet in clouds they answer with secrets of the machine.
_METADATA = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192")))
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "127.0.0.0/8", "::1/128")
"""What companies and machines use for themselves; not link-local addresses, where clouds answer with secrets."""

_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


class RefusedError(ValueError):
    """An address that must not be reached; the message says which, and what would let it through."""


class UnknownHostError(ValueError):
    """A host that no name server knows."""


def check_address(host: str, port: int, allow: Iterable[str] = ()) -> list[str]:
    """Answer the addresses of ``host`` that may be connected to, all of them judged.

    ``allow`` lists what is let through although it is not public: host patterns (``*.corp.example``),
    addresses and networks (``10.1.0.0/16``). Raises :class:`RefusedError` if any address of the host
    is neither public nor listed, and :class:`UnknownHostError` if there is none.
    """
    name = host.strip("[]").rstrip(".").lower()
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnknownHostError(f"no host is called {host}; check the spelling and the name servers") from error
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    rules = [entry.strip().lower() for entry in allow]
    if any(fnmatch.fnmatchcase(name, rule) for rule in rules):
        return addresses
    networks = [network for network in map(_network, rules) if network is not None]
    for text in addresses:
        address = ipaddress.ip_address(text)
        plain = getattr(address, "ipv4_mapped", None) or address
        if not is_public(address) and not any(plain in network for network in networks):
            raise RefusedError(
                f"{host} leads to {address}, which is not a public address; "
                "an administrator may add the host or its network to the allow-list"
            )
    return addresses


def is_public(address: Address) -> bool:
    """Whether an address, and every IPv4 address hidden inside it, belongs to the open internet alone."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        hidden: list[Address] = [address.sixtofour] if address.sixtofour else []
        hidden.extend(address.teredo or ())
        if any(address in network for network in _NAT64):
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.is_site_local or not all(map(is_public, hidden)):
            return False
    refused = address.is_multicast or address.is_reserved or address.is_unspecified or address in _METADATA
    return address.is_global and not refused


def _network(rule: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(rule.strip("[]"), strict=False)
    except ValueError:
        return None
