"""Keep requests that follow a user's address off private networks.

A name is looked up once and every address it leads to is judged. The caller connects to a judged
address and to nothing else, so that a second look-up cannot lead elsewhere (DNS rebinding).
"""

import fnmatch
import ipaddress
import queue
import socket
import threading
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Public by number, yet in clouds they answer with secrets of the machine.
_METADATA = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192")))
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "127.0.0.0/8", "::1/128")
"""What companies and machines use for themselves; not link-local addresses, where clouds answer with secrets."""

_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
# Their last 32 bits are an IPv4 address.
_COMPATIBLE = ipaddress.ip_network("::/96")


class RefusedError(ValueError):
    """An address that must not be reached; the message says which, and what would let it through."""


class UnknownHostError(ValueError):
    """A host that no name server knows."""


class SlowNameError(UnknownHostError):
    """A host whose name was not resolved in time."""


class Guard:
    """Judge hosts and addresses.

    ``allow`` lists what is let through although it is not public: host patterns (``*.corp.example``),
    addresses and networks (``10.1.0.0/16``). ``timeout`` is how many seconds a name may take to resolve.
    """

    def __init__(self, allow: Iterable[str] = (), timeout: float | None = None) -> None:
        self._patterns: list[str] = []
        self._networks: list[Network] = []
        self._timeout = timeout
        for entry in allow:
            network = _network(entry.strip())
            if network is None:
                self._patterns.append(entry.strip().lower())
            else:
                self._networks.append(network)

    def allows_name(self, host: str) -> bool:
        """Whether the list names this host or address."""
        host = host.lower().rstrip(".")
        try:
            return self.lists(ipaddress.ip_address(host))
        except ValueError:
            return any(fnmatch.fnmatchcase(host, pattern) for pattern in self._patterns)

    def lists(self, address: Address) -> bool:
        """Whether the list names this address."""
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._networks)

    def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Answer the addresses of ``host`` that may be connected to, all of them judged.

        Raises :class:`RefusedError` if any of them is neither public nor listed, and
        :class:`UnknownHostError` if there is none.
        """
        name = host.strip("[]").rstrip(".").lower()
        addresses = (name,) if _is_ip(name) else self._look_up(name, host, port)
        if self.allows_name(name):
            return addresses
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            if not is_public(address) and not self.lists(address):
                raise RefusedError(
                    f"{host} leads to {address}, which is not a public address; "
                    "an administrator may add the host or its network to the allow-list"
                )
        return addresses

    def _look_up(self, name: str, host: str, port: int) -> tuple[str, ...]:
        if self._timeout is None:
            found = _ask(name, port)
        else:
            # The system's resolver knows no time limit of its own, so it runs beside and may be left behind.
            answers: queue.Queue[list[str] | OSError] = queue.Queue()
            threading.Thread(target=lambda: answers.put(_ask(name, port)), daemon=True, name=f"resolve-{name}").start()
            try:
                found = answers.get(timeout=self._timeout)
            except queue.Empty:
                raise SlowNameError(
                    f"the name {host} was not resolved within {self._timeout:g} seconds; check the name servers"
                ) from None
        if isinstance(found, OSError) or not found:
            raise UnknownHostError(f"no host is called {host}; check the spelling and the name servers")
        return tuple(dict.fromkeys(found))


def check_address(host: str, port: int, allow: Iterable[str] = ()) -> list[str]:
    """Answer the addresses of ``host`` that may be connected to; see :meth:`Guard.resolve`."""
    return [address.partition("%")[0] for address in Guard(allow).resolve(host, port)]


def is_public(address: Address) -> bool:
    """Whether an address, and every IPv4 address hidden inside it, belongs to the open internet alone."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        hidden: list[Address] = [address.sixtofour] if address.sixtofour else []
        hidden.extend(address.teredo or ())
        last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if any(address in network for network in _NAT64):
            return is_public(last)
        if address in _COMPATIBLE:
            hidden.append(last)
        if address.is_site_local or not all(map(is_public, hidden)):
            return False
    refused = address.is_multicast or address.is_reserved or address.is_unspecified or address in _METADATA
    return address.is_global and not refused


def _ask(name: str, port: int) -> list[str] | OSError:
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        return error if isinstance(error, OSError) else OSError(str(error))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _network(rule: str) -> Network | None:
    try:
        return ipaddress.ip_network(rule.strip("[]"), strict=False)
    except ValueError:
        return None
