"""Lock the current process in, for good: files, network, programs, memory, time.

What the kernel offers is used, and `Locks` says what that was. Where it offers less than both, an audit hook
refuses inside Python what the kernel would refuse outside.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_CLONE_NEWUSER = 0x10000000
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_PDEATHSIG = 1
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446

# Rights of Landlock, in the order of the versions that brought them.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_V1 = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_NET_ALL = 3
_SCOPE_ALL = 3

PROGRAMS = frozenset({"dot", "neato", "fdp", "sfdp", "twopi", "circo", "plantuml", "java"})
"""Programs that draw diagrams; nothing else is started."""


@dataclass(frozen=True)
class Locks:
    """Which locks hold: `files` and `network` name what enforces them."""

    files: str
    network: str

    def as_dict(self) -> dict[str, str]:
        """Answer plain JSON."""
        return asdict(self)


class _RulesetAttr(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("access", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent goes."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 9)


def limit(*, cpu_seconds: int, memory_bytes: int, file_bytes: int) -> None:
    """Set what the kernel lets this process use."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))


def lock_in(work: Path, readable: Iterable[str]) -> Locks:
    """Leave this process only its folder, what it needs to run, and no network."""
    network = _without_network()
    level = _landlock(work, list(readable))
    files = "landlock" if level else "python"
    if network == "python" and level >= 4:
        network = "landlock (TCP)"
    if files == "python" or network == "python":
        # It costs a third of the time of a build, so it stands in only for what the kernel does not offer.
        refuse_in_python(work, list(readable))
    return Locks(files, network)


def _without_network() -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET):
        if libc.unshare(flags) == 0:
            return "namespace"
    return "python"


def _landlock(work: Path, readable: list[str]) -> int:
    """Restrict this process by Landlock; answers the version that did it, 0 where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = int(libc.syscall(_LANDLOCK_CREATE, None, 0, 1))
    if version < 1:
        return 0
    handled = _ALL_V1
    handled |= _REFER if version >= 2 else 0
    handled |= _TRUNCATE if version >= 3 else 0
    handled |= _IOCTL_DEV if version >= 5 else 0
    attr = _RulesetAttr(handled, _NET_ALL if version >= 4 else 0, _SCOPE_ALL if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(_LANDLOCK_CREATE, ctypes.byref(attr), size, 0)
    if ruleset < 0:
        return 0
    for path in readable:
        _allow(libc, ruleset, path, _READ & handled)
    for path in ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"):
        _allow(libc, ruleset, path, (_READ_FILE | _WRITE_FILE) & handled)
    _allow(libc, ruleset, str(work), handled)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    done = libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return version if done else 0


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not Path(path).is_dir():
        access &= _FILE_ONLY
    rule = _PathBeneath(access, handle)
    libc.syscall(_LANDLOCK_ADD, ruleset, 1, ctypes.byref(rule), 0)
    os.close(handle)


def refuse_in_python(work: Path, readable: list[str]) -> None:
    """Refuse inside Python what does not belong to a build; a hook cannot be taken away again."""
    home = os.path.realpath(work)
    roots = tuple(os.path.realpath(path) for path in readable)
    devices = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, int):
                return
            real = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
            if real == home or real.startswith(f"{home}/") or real in devices:
                return
            writes = bool(set(str(mode or "")) & set("wax+")) or bool(int(flags or 0) & (os.O_WRONLY | os.O_RDWR))  # type: ignore[call-overload]
            if writes or not any(real == root or real.startswith(f"{root}/") for root in roots):
                raise PermissionError(f"{real} lies outside of the documentation and may not be opened")
        elif event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
            raise PermissionError("a build has no network")
        elif event in ("subprocess.Popen", "os.posix_spawn"):
            program = Path(os.fsdecode(arguments[0])).name  # type: ignore[arg-type]
            if program not in PROGRAMS:
                raise PermissionError(f"a build may not start {program}")
        elif event in ("os.system", "os.exec", "os.fork", "os.forkpty", "ctypes.dlopen", "os.chmod", "os.chown"):
            # Copying a file sets its mode; only inside the folder that is harmless.
            if event in ("os.chmod", "os.chown"):
                target = arguments[0]
                if isinstance(target, int) or os.path.realpath(os.fsdecode(target)).startswith(f"{home}/"):  # type: ignore[arg-type]
                    return
            raise PermissionError(f"a build may not use {event}")

    sys.addaudithook(hook)


def readable_places() -> list[str]:
    """Answer what a build has to read to run at all: Python, its libraries, fonts and diagram programs."""
    places = {
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        *(path for path in sys.path if path and Path(path).is_dir()),
    }
    places |= {
        "/usr/bin",
        "/usr/lib",
        "/usr/lib64",
        "/usr/share",
        "/usr/local/lib",
        "/usr/local/bin",
        "/usr/local/share",
    }
    places |= {
        "/lib",
        "/lib64",
        "/bin",
        "/sbin",
        "/etc/fonts",
        "/etc/alternatives",
        "/etc/ld.so.cache",
        "/etc/mime.types",
    }
    places |= {"/etc/localtime", "/etc/java-17-openjdk", "/etc/java-21-openjdk", "/var/cache/fontconfig"}
    return sorted(place for place in places if Path(place).exists())
