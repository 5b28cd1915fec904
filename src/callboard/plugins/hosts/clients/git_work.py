"""Work with a repository through Git itself, where a host has no interface for what is needed.

Git is told one address, one protocol and the headers that sign it in; it reads no configuration of the
machine, runs no hooks, follows no redirects and connects to addresses that were judged.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from callboard.lib.netguard import RefusedError, UnknownHostError, check_address
from callboard.plugins.hosts.types.access import Access
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import Entry, FileChange, Tree

_MAX_OUTPUT = 50_000_000
AUTHOR = ("Callboard", "callboard@localhost")


class GitWork:
    """A directory of its own for the time of a ``with`` block."""

    def __init__(self, access: Access, headers: Mapping[str, str] | None = None) -> None:
        self._access = access
        self._headers = dict(headers or {})
        self._root = Path()

    def __enter__(self) -> Self:
        self._root = Path(tempfile.mkdtemp(prefix="callboard-git-"))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    # --- Verbs ---------------------------------------------------------------------------

    def branches(self, url: str) -> tuple[dict[str, str], str]:
        """Answer the branches with their commits, and the name of the default branch."""
        listed = self._run(url, "ls-remote", "--symref", "--", url, "HEAD", "refs/heads/*").decode("utf-8", "replace")
        found: dict[str, str] = {}
        default = ""
        for line in listed.splitlines():
            left, _, name = line.partition("\t")
            if left.startswith("ref: refs/heads/") and name == "HEAD":
                default = left.removeprefix("ref: refs/heads/")
            elif name.startswith("refs/heads/"):
                found[name.removeprefix("refs/heads/")] = left
        return found, default

    def tree(self, url: str, ref: str) -> Tree:
        """Answer all files at a branch or tag, with their hashes; only the tree is fetched where the host can."""
        self._fetch(url, ref, blobs=False)
        listed = self._run(url, "ls-tree", "-r", "-z", "FETCH_HEAD").decode("utf-8", "replace")
        entries = []
        for item in listed.split("\0"):
            head, _, path = item.partition("\t")
            if path:
                mode, _, sha = head.split(" ")
                kind = "link" if mode == "120000" else "submodule" if mode == "160000" else "file"
                entries.append(Entry(path, kind, None, sha))  # type: ignore[arg-type]
        return Tree(tuple(entries))

    def read(self, url: str, ref: str, path: str) -> bytes:
        """Answer a file."""
        self._fetch(url, ref, blobs=True)
        found = self._run(url, "ls-tree", "-z", "FETCH_HEAD", "--", path)
        if not found:
            raise HostError("not-found", f"{url} has no file {path}", "Check the name.")
        return self._run(url, "cat-file", "blob", f"FETCH_HEAD:{path}")

    def commit(
        self,
        url: str,
        branch: str,
        message: str,
        changes: Iterable[FileChange],
        *,
        start: str = "",
        author: tuple[str, str] | None = None,
    ) -> str:
        """Commit changes onto a branch and push it; answer the commit."""
        branches, _ = self.branches(url)
        base = branch if branch in branches else start
        if base and base not in branches:
            raise HostError("not-found", f"{url} has no branch {base}", "Name a branch that exists.")
        if base:
            self._fetch(url, base, blobs=True)
            self._run(url, "read-tree", "FETCH_HEAD")
        else:
            self._run(url, "init", "-q")
        for change in changes:
            if change.content is None:
                self._run(url, "update-index", "--force-remove", "--", change.path)
                continue
            blob = self._run(url, "hash-object", "-w", "--stdin", stdin=change.content).decode().strip()
            mode = "100755" if change.executable else "100644"
            self._run(url, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{change.path}")
        tree = self._run(url, "write-tree").decode().strip()
        parent = ["-p", self._run(url, "rev-parse", "FETCH_HEAD").decode().strip()] if base else []
        name, email = author or AUTHOR
        who = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email}
        who |= {"GIT_COMMITTER_NAME": AUTHOR[0], "GIT_COMMITTER_EMAIL": AUTHOR[1]}
        commit = self._run(url, "commit-tree", tree, *parent, "-m", message, more=who).decode().strip()
        self._run(url, "push", "-q", "--", url, f"{commit}:refs/heads/{branch}")
        return commit

    def push_branch(self, url: str, name: str, start: str) -> str:
        """Make a branch where another one points; answer the commit."""
        self._fetch(url, start, blobs=True)
        commit = self._run(url, "rev-parse", "FETCH_HEAD").decode().strip()
        self._run(url, "push", "-q", "--", url, f"{commit}:refs/heads/{name}")
        return commit

    # --- Running git ---------------------------------------------------------------------

    def _fetch(self, url: str, ref: str, *, blobs: bool) -> None:
        self._run(url, "init", "-q")
        wanted = ["fetch", "-q", "--depth", "1", "--no-tags", *([] if blobs else ["--filter=blob:none"])]
        self._run(url, *wanted, "--", url, ref or "HEAD")

    def _run(self, url: str, *arguments: str, stdin: bytes = b"", more: Mapping[str, str] | None = None) -> bytes:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._root),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "https:http",
            **(more or {}),
            **self._configured(url),
        }
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self._root,
                env=environment,
                input=stdin,
                capture_output=True,
                timeout=max(120.0, self._access.timeout),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HostError(
                "unavailable", f"Git gave up waiting for {url}", "Check the host.", transient=True
            ) from None
        except OSError as error:
            raise HostError("unavailable", f"Git cannot be run: {error}", "Install Git on this machine.") from None
        if done.returncode != 0:
            raise self._failure(url, done.stderr.decode("utf-8", "replace"))
        if len(done.stdout) > _MAX_OUTPUT:
            raise HostError("too-large", f"{url} has too many files to list", "Narrow down what is asked for.")
        return done.stdout

    def _configured(self, url: str) -> dict[str, str]:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise HostError("refused", f"{url} is no https address of a repository", "Correct the address.")
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        try:
            addresses = check_address(host, port, self._access.allow)
        except RefusedError as error:
            remedy = "If the host belongs to your company, say so in its connection: “It is on a private network”."
            raise HostError("refused", str(error), remedy) from None
        except UnknownHostError as error:
            raise HostError("unavailable", str(error), "Check the spelling.", transient=True) from None
        settings = [
            ("http.followRedirects", "false"),
            ("core.hooksPath", os.devnull),
            ("credential.helper", ""),
            ("protocol.version", "2"),
        ]
        if addresses != [host]:
            numbers = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
            settings.append(("http.curloptResolve", f"{host}:{port}:{numbers}"))
        own = urlsplit(self._access.url)
        if (parts.scheme, parts.netloc.lower()) == (own.scheme, own.netloc.lower()):
            key = f"http.{parts.scheme}://{parts.netloc}/.extraHeader"
            settings += [(key, f"{name}: {value}") for name, value in self._headers.items()]
        found = {"GIT_CONFIG_COUNT": str(len(settings))}
        for index, (key, value) in enumerate(settings):
            # Through the environment, so that no list of processes shows a credential.
            found[f"GIT_CONFIG_KEY_{index}"], found[f"GIT_CONFIG_VALUE_{index}"] = key, value
        return found

    def _failure(self, url: str, said: str) -> HostError:
        text = " ".join(said.split())[:300]
        low = text.lower()
        # A port may have these digits too, so the whole phrase counts.
        if any(
            word in low for word in ("authentication failed", "could not read username", "error: 401", "error: 403")
        ):
            return HostError("unauthorized", f"{url} may not be used: {text}", self._renewal())
        if any(word in low for word in ("not found", "couldn't find remote ref", "does not exist")):
            return HostError("not-found", f"{url}: {text}", "Check the name of the repository and of the branch.")
        if "non-fast-forward" in low or "rejected" in low:
            return HostError(
                "conflict", f"{url} took no push: {text}", "Somebody pushed meanwhile, or the branch is protected."
            )
        return HostError("unavailable", f"{url}: {text}", "It is tried again later.", transient=True)

    def _renewal(self) -> str:
        return f"Check the credentials of the connection {self._access.name}."
