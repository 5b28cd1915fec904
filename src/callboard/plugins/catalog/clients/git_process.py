"""Run git so that neither a repository, an address nor the surroundings can make it do more than read."""

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .types import ErrorCode, ReadError, redact

_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.symlinks": "false",
    "credential.helper": "",
    "protocol.version": "2",
    "http.followRedirects": "false",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.defaultBranchName": "false",
    "init.defaultBranch": "main",
}


class GitFailedError(Exception):
    """git ended with an error; `text` is what it said."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)


class GitTimedOutError(Exception):
    """git took longer than it may."""


def run_git(
    arguments: Sequence[str],
    *,
    home: Path,
    timeout: float,
    config: Sequence[tuple[str, str]] = (),
    protocol: str = "none",
    ssh_command: str = "ssh -oBatchMode=yes",
    stdin: bytes = b"",
    max_file_bytes: int = 0,
) -> bytes:
    """Run one git command and give its output; raises GitFailedError or GitTimedOutError.

    Configuration travels in the environment, where, unlike on the command line, other users cannot see it.
    """
    settings = [*_CONFIG.items(), *config]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": protocol,
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_SSH_COMMAND": ssh_command,
        "GIT_SSH_VARIANT": "ssh",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for index, (key, value) in enumerate(settings):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    for name in ("SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        if name in os.environ:
            environment[name] = os.environ[name]
    command = ["git", *arguments]
    if max_file_bytes:
        # The shell limits how large a pack may grow, because the other side decides how much it sends.
        blocks = max(1, max_file_bytes // 512)
        command = ["/bin/sh", "-c", f'ulimit -f {blocks} && exec "$@"', "sh", *command]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=home,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise ReadError(
            "unreadable", "The program git is not installed.", "Install git on the machine of the portal."
        ) from None
    try:
        output, errors = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise GitTimedOutError from None
    finally:
        if process.poll() is None:
            # git has helpers of its own (git-remote-https, ssh); the whole group has to go.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode != 0:
        text = errors.decode("utf-8", "replace")
        if process.returncode == -signal.SIGXFSZ or "signal 25" in text or "File too large" in text:
            text = "callboard: larger than allowed\n" + text
        raise GitFailedError(text)
    return output


_DENIED = (
    r"returned error: 40[13]|Authentication failed|could not read (Username|Password)|"
    r"Permission denied|access denied|terminal prompts disabled"
)
_NO_REPOSITORY = (
    r"not valid: is this a git repository|does not appear to be a git repository|"
    r"not a git repository|invalid server response|bad line length|protocol error: "
)
_MISSING = (
    r"repository .* not found|Repository not found|returned error: 4(04|10)|does not exist|"
    r"No such file or directory"
)

_RULES: tuple[tuple[str, ErrorCode, bool, str, str], ...] = (
    (
        r"larger than allowed",
        "too-large",
        False,
        "is larger than a repository may be",
        "Raise the size limit for repositories (max_repository_bytes), or name the files by `url` locations.",
    ),
    (
        r"redirect",
        "refused",
        False,
        "redirects to another address",
        "Use the address it leads to in the end.",
    ),
    (
        r"transport '.*' not allowed",
        "refused",
        False,
        "uses a way of transport that is not allowed",
        "Use https, ssh or file.",
    ),
    (
        r"dubious ownership",
        "refused",
        False,
        "belongs to another user of this machine",
        "Give the directory to the user that runs the portal.",
    ),
    (
        r"find remote ref|no such remote ref|not our ref|unadvertised object|bad object|not a tree object",
        "not-found",
        False,
        "does not have this branch, tag or commit",
        "Check the ref; a commit is named by its full 40 characters.",
    ),
    (
        r"Host key verification failed",
        "unauthorized",
        False,
        "has an ssh host key that is not known here",
        "Add the key of the host to known_hosts of the user that runs the portal.",
    ),
    (
        r"returned error: 429|too many requests",
        "rate-limited",
        True,
        "asks for fewer requests",
        "It is read again later; a token for the host usually raises its limit.",
    ),
    (
        _DENIED,
        "unauthorized",
        False,
        "may not be read",
        "Set a token (https) or a key (ssh) that may read it.",
    ),
    (
        _MISSING,
        "not-found",
        False,
        "does not exist",
        "Check the address; a private repository may also need a token or key.",
    ),
    (
        _NO_REPOSITORY,
        "not-a-repository",
        False,
        "is not a Git repository",
        "Give the address from which `git clone` works.",
    ),
    (
        r"timed out|Timeout was reached",
        "timed-out",
        True,
        "timed out",
        "It is read again later; check that the host is up and reachable from here.",
    ),
    (
        r"returned error: 5\d\d|early EOF|unexpected disconnect|hung up|RPC failed|Connection reset",
        "http-error",
        True,
        "broke off or answered with an error",
        "It is read again later; check the server if this goes on.",
    ),
    (
        r"Failed to connect|refused|Couldn't connect|Could not resolve|unable to access|No route to host",
        "unreadable",
        True,
        "cannot be reached",
        "Check that the host is up, its certificate valid and no firewall in between.",
    ),
)


def explain(text: str, place: str) -> ReadError:
    """Turn what git said into an error with a remedy; its own words are added, without secrets."""
    words = [line.strip() for line in redact(text).splitlines() if line.strip() and "callboard:" not in line]
    telling = [line for line in words if re.match(r"(fatal|error|ERROR|remote)\b", line)] or words
    said = f' (git: "{telling[0][:300]}")' if telling else ""
    for pattern, code, transient, what, remedy in _RULES:
        if re.search(pattern, text, re.IGNORECASE):
            return ReadError(code, f"{place} {what}{said}.", remedy, url=place, transient=transient)
    return ReadError(
        "unreadable",
        f"{place} cannot be read by git{said}.",
        "Check the address and the repository.",
        url=place,
    )
