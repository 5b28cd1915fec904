"""Find out whether the portal's port can be used and, if not, who has it."""

from __future__ import annotations

import http.client
import os
import socket
from urllib.parse import urlsplit

from callboard.project.problems import Problem

READINESS = "/.backstage/health/v1/readiness"


def check_port(host: str, port: int) -> None:
    """Raise a :class:`Problem` that names the process when the port is taken or not ours to take."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Problem(
            f"the address {host!r} is not known: {error.strerror}",
            "Choose another one with --host, such as 127.0.0.1 or 0.0.0.0.",
            "host",
        ) from error
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError as error:
            raise Problem(
                f"port {port} is reserved for the system",
                "Choose a port above 1023 with --port.",
                "port-taken",
            ) from error
        except OSError as error:
            if error.errno != 98 and "in use" not in str(error):
                raise Problem(
                    f"{host}:{port} cannot be listened on: {error.strerror}",
                    "Choose an address of this machine with --host.",
                    "host",
                ) from error
            raise Problem(
                f"port {port} on {host} is taken{_by_whom(port)}",
                "Stop that program, or choose another port with --port.",
                "port-taken",
            ) from error


def _by_whom(port: int) -> str:
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                if connection.pid:
                    process = psutil.Process(connection.pid)
                    return f" by process {connection.pid} ({' '.join(process.cmdline())[:80] or process.name()})"
                return " by a process of another user"
    except psutil.Error:
        return ""
    return ""


def is_ready(url: str) -> bool:
    """Whether the portal at ``url`` answers that it is ready."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        connection.request("GET", READINESS, headers={"Host": f"localhost:{parts.port}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def own_pid() -> str:
    """Answer this process's id for notes."""
    return str(os.getpid())
