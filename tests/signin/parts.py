"""Real identity providers on loopback: an OpenID provider run by Node, and how a browser walks through it."""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx

NODE = Path(__file__).parent / "node"
SCRIPTS = sysconfig.get_path("scripts")
SECRET = "a secret between the portal and the provider"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def packages() -> Path:
    """Install the locked packages once, outside the checkout."""
    digest = hashlib.sha256((NODE / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "callboard-signin" / digest
    if not (cache / "complete").exists():
        cache.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NODE / name, cache)
        run = [_tool("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            run, cwd=cache, env=_environment(), capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        (cache / "complete").touch()
    shutil.copy(NODE / "provider.mjs", cache)
    return cache


@dataclass
class OpenIdProvider:
    issuer: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Be down from now on."""
        # The command `node` is a small program that starts the real one, so both are told.
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(10)

    def signs_in(self, address: str, person: str) -> str:
        """Walk from the authorization address through its pages; answer where the person is sent back to."""
        with httpx.Client(follow_redirects=False, timeout=20) as browser:
            answer = browser.get(address)
            for _step in range(12):
                location = answer.headers.get("location")
                if location:
                    target = urljoin(str(answer.url), location)
                    if not target.startswith(self.issuer):
                        return target
                    answer = browser.get(target)
                    continue
                assert answer.status_code == 200, answer.text[:2000]
                action = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
                assert action, answer.text[:2000]
                form = {"prompt": "login", "login": person, "password": "any"}
                if 'name="login"' not in answer.text:
                    form = {"prompt": "consent"}
                answer = browser.post(urljoin(str(answer.url), action[1]), data=form)
        raise AssertionError("the provider never sent the person back")


@contextmanager
def openid_provider(*redirect_uris: str, port: int = 0) -> Iterator[OpenIdProvider]:
    """Run the certified provider until the block ends."""
    place, port = packages(), port or free_port()
    environment = _environment() | {"PORT": str(port), "PORTAL": ",".join(redirect_uris), "SECRET": SECRET}
    process = subprocess.Popen([_tool("node"), "provider.mjs"], cwd=place, env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    provider = OpenIdProvider(f"http://127.0.0.1:{port}", process)
    try:
        _wait(f"{provider.issuer}/.well-known/openid-configuration", process)
        yield provider
    finally:
        if process.poll() is None:
            provider.stop()


def _wait(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        assert process.poll() is None, "the provider did not start"
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < end, f"{url} does not answer"
        time.sleep(0.05)


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"}


def _tool(name: str) -> str:
    return shutil.which(name, path=_environment()["PATH"]) or name
