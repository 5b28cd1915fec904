"""Keep requests for a user's URL off private networks, even when a name changes its address meanwhile.

A name is resolved once, every address is judged by :mod:`callboard.lib.netguard`, and the connection is made
to the judged address; TLS and the `Host` header still carry the name.
"""

import re
import time
from collections.abc import Iterable

import httpcore

from callboard.lib import netguard

from .types import ReadError

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?\Z|\[?[0-9A-Fa-f:.]+(%[\w.]+)?\]?\Z")


class Guard(netguard.Guard):
    """Judge hosts for readers: what is refused or unknown says which place it was, and what to do."""

    def __init__(self, allow: Iterable[str] = (), timeout: float = 5.0) -> None:
        super().__init__(allow, timeout)

    def resolve(self, host: str, port: int, place: str = "") -> tuple[str, ...]:
        """Give the addresses that may be connected to; raises ReadError when unknown or not allowed."""
        place = place or host
        if not _HOST_NAME.match(host):
            raise ReadError("refused", f"{place} has no valid host name.", "Correct the address.", url=place)
        try:
            return super().resolve(host, port)
        except netguard.RefusedError as error:
            raise ReadError(
                "refused",
                f"{place} is refused: {str(error).partition(';')[0]}.",
                f"To read it, add {host} or its network to `catalog.reading.allow` in callboard.yaml.",
                url=place,
            ) from None
        except netguard.SlowNameError as error:
            raise ReadError(
                "timed-out",
                f"{place} timed out: {str(error).partition(';')[0]}.",
                "Check the name servers of this machine.",
                url=place,
                transient=True,
            ) from None
        except netguard.UnknownHostError:
            raise ReadError(
                "not-found",
                f"{place} cannot be reached: no host is called {host}.",
                "Check the spelling, and the name servers of this machine.",
                url=place,
                transient=True,
            ) from None


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
