"""Keep requests for a user's URL off private networks, even when a name changes its address meanwhile.

A name is resolved once, every address is judged, and the connection is made to the judged address; TLS and
the `Host` header still carry the name.
"""

import fnmatch
import ipaddress
import queue
import re
import socket
import threading
import time
from collections.abc import Iterable

import httpcore

from .types import ReadError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Public by number, but inside clouds they answer with secrets of the machine.
_METADATA = frozenset(ipaddress.ip_address(text) for text in ("168.63.129.16", "100.100.100.200", "192.0.0.192"))
# IPv6 ranges that carry an IPv4 address in their last 32 bits.
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.ip_network("::/96")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?\Z")


def embedded_addresses(address: Address) -> list[Address]:
    """Give an address and every IPv4 address hidden inside it."""
    found: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            # A mapped address is the IPv4 address; the IPv6 form itself is always reserved.
            return [address.ipv4_mapped]
        if address.sixtofour is not None:
            found.append(address.sixtofour)
        if address.teredo is not None:
            found.extend(address.teredo)
        if any(address in network for network in (*_NAT64, _COMPATIBLE)):
            found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the open internet and to nothing else."""
    for one in embedded_addresses(address):
        nat64 = isinstance(one, ipaddress.IPv6Address) and any(one in network for network in _NAT64)
        if nat64:
            continue
        if one in _METADATA or one.is_multicast or one.is_reserved or one.is_unspecified or not one.is_global:
            return False
        if isinstance(one, ipaddress.IPv6Address) and one.is_site_local:
            return False
    return True


class Guard:
    """Judge hosts and addresses; `allow` lists host patterns, addresses and networks that are let through."""

    def __init__(self, allow: Iterable[str] = (), timeout: float = 5.0) -> None:
        self._patterns: list[str] = []
        self._networks: list[Network] = []
        self._timeout = timeout
        for entry in allow:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip().strip("[]"), strict=False))
            except ValueError:
                self._patterns.append(entry.strip().lower())

    def allows_name(self, host: str) -> bool:
        """Tell whether the allow-list names this host or address."""
        host = host.lower().rstrip(".")
        try:
            return self._listed(ipaddress.ip_address(host))
        except ValueError:
            return any(fnmatch.fnmatchcase(host, pattern) for pattern in self._patterns)

    def _listed(self, address: Address) -> bool:
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._networks)

    def resolve(self, host: str, port: int, place: str = "") -> tuple[str, ...]:
        """Give the addresses that may be connected to; raises ReadError when unknown or not allowed."""
        place = place or host
        name = host.lower().strip("[]").rstrip(".")
        if not (_HOST_NAME.match(name) or _is_ip(name)):
            raise ReadError("refused", f"{place} has no valid host name.", "Correct the address.", url=place)
        addresses = self._look_up(name, port, place)
        if not self.allows_name(name):
            for text in addresses:
                address = ipaddress.ip_address(text.split("%")[0])
                if not is_public(address) and not self._listed(address):
                    raise ReadError(
                        "refused",
                        f"{place} is refused: {host} leads to {address}, which is not a public address.",
                        f"To read it, add {host} or its network to `catalog.reading.allow` in callboard.yaml.",
                        url=place,
                    )
        return addresses

    def _look_up(self, host: str, port: int, place: str) -> tuple[str, ...]:
        if _is_ip(host):
            return (host,)
        # The system's resolver knows no time limit of its own, so it runs beside and may be left behind.
        answers: queue.Queue[list[str] | OSError] = queue.Queue()

        def ask() -> None:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                answers.put([str(entry[4][0]) for entry in found])
            except (OSError, UnicodeError) as error:
                answers.put(error if isinstance(error, OSError) else OSError(str(error)))

        threading.Thread(target=ask, daemon=True, name=f"resolve-{host}").start()
        try:
            answer = answers.get(timeout=self._timeout)
        except queue.Empty:
            raise ReadError(
                "timed-out",
                f"{place} timed out: the name {host} was not resolved within {self._timeout:g} seconds.",
                "Check the name servers of this machine.",
                url=place,
                transient=True,
            ) from None
        if isinstance(answer, OSError) or not answer:
            raise ReadError(
                "not-found",
                f"{place} cannot be reached: no host is called {host}.",
                "Check the spelling, and the name servers of this machine.",
                url=place,
                transient=True,
            )
        return tuple(dict.fromkeys(answer))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class Deadline:
    """A moment after which a whole exchange is given up, however busy the other side keeps it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Give the seconds left; zero or less when over."""
        return self._end - time.monotonic()

    def cap(self, timeout: float | None) -> float:
        """Shorten a time limit to what is left; raises httpcore.ReadTimeout when nothing is."""
        left = self.remaining()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for the whole exchange is over")
        return left if timeout is None else min(left, timeout)


class _DeadlineStream(httpcore.NetworkStream):
    """Pass bytes on, giving each operation no more time than the whole exchange has left."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.cap(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.cap(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: object, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.cap(timeout))  # type: ignore[arg-type]
        return _DeadlineStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Open connections to judged addresses alone, so that a second look-up cannot lead elsewhere."""

    def __init__(self, guard: Guard, deadline: Deadline) -> None:
        self._guard = guard
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first judged address that answers."""
        problem: Exception | None = None
        for address in self._guard.resolve(host, port):
            try:
                stream = self._backend.connect_tcp(
                    address, port, self._deadline.cap(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return _DeadlineStream(stream, self._deadline)
        raise problem or httpcore.ConnectError(f"{host} has no address")
