"""Decide how git may reach a repository, and pin the way to the address that was judged."""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from . import hosts
from .files import FileClient
from .guard import Guard
from .types import ReadError, ReadingLimits

SCP_ADDRESS = re.compile(r"(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*@)(?P<host>[A-Za-z0-9.-]+):(?P<path>[^:-].*)\Z")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*\Z")


@dataclass(frozen=True, slots=True)
class Access:
    """What git is told about one repository: its address, the one protocol allowed, settings, ssh command."""

    url: str
    protocol: str
    config: tuple[tuple[str, str], ...] = ()
    ssh_command: str = "ssh -oBatchMode=yes"

    @classmethod
    def of(cls, repository: str, limits: ReadingLimits, guard: Guard, files: FileClient, place: str) -> "Access":
        """Judge an address; raises ReadError when it may not be read."""
        scp = SCP_ADDRESS.match(repository) if "://" not in repository else None
        if scp:
            return cls(repository, "ssh", (), _ssh_command(scp["host"], None, limits, guard, place))
        parts = urlsplit(repository)
        host = parts.hostname or ""
        if parts.scheme == "file":
            return cls(_local(repository, files, place), "file")
        if parts.scheme == "ssh":
            return cls(repository, "ssh", (), _ssh_command(host, parts.port, limits, guard, place))
        port = parts.port or {"https": 443, "http": 80}[parts.scheme]
        addresses = guard.resolve(host, port, place)
        config = []
        if addresses != (host,):
            numbers = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
            config.append(("http.curloptResolve", f"{host}:{port}:{numbers}"))
        access = limits.access(parts.scheme, host, parts.port)
        # Over plain http a secret could be read on the way; only hosts an operator listed are trusted
        # with it.
        if access and (parts.scheme == "https" or guard.allows_name(host)):
            known = hosts.parse(repository.removesuffix(".git"))
            product = access.type or (known.product if known else "")
            headers = {**access.headers, **hosts.git_sign_in(product, access.token, access.username)}
            key = f"http.{parts.scheme}://{parts.netloc}/.extraHeader"
            config += [(key, f"{name}: {value}") for name, value in headers.items()]
        return cls(repository, parts.scheme, tuple(config))


def _local(repository: str, files: FileClient, place: str) -> str:
    path = unquote(urlsplit(repository).path)
    if not files.inside_roots(path):
        raise ReadError(
            "refused",
            f"{place} lies outside the directories that may be read.",
            "Add its directory to the allowed roots for reading.",
            url=place,
        )
    real = os.path.realpath(path)
    if not Path(real).is_dir():
        raise ReadError("not-found", f"{place} does not exist.", "Check the path of the repository.", url=place)
    return f"file://{real}"


def _ssh_command(host: str, port: int | None, limits: ReadingLimits, guard: Guard, place: str) -> str:
    if not _HOST.match(host):
        raise ReadError("refused", f"{place} has no valid host name.", "Correct the address.", url=place)
    addresses = guard.resolve(host, port or 22, place)
    options = [
        "BatchMode=yes",
        "PasswordAuthentication=no",
        "StrictHostKeyChecking=yes",
        "ProxyCommand=none",
        "PermitLocalCommand=no",
        "ForwardAgent=no",
        "ClearAllForwardings=yes",
        f"ConnectTimeout={max(1, round(limits.connect_timeout))}",
        # Connect to the judged address, and look for the key under the name.
        f"HostName={addresses[0]}",
        f"HostKeyAlias={host if port in (None, 22) else f'[{host}]:{port}'}",
        "CheckHostIP=no",
    ]
    access = limits.access("ssh", host, port)
    if access and access.ssh_key:
        options += [f"IdentityFile={access.ssh_key}", "IdentitiesOnly=yes"]
    if access and access.known_hosts:
        options.append(f"UserKnownHostsFile={access.known_hosts}")
    return shlex.join(["ssh", *(f"-o{option}" for option in options)])
