"""One host of every product, filled alike, with the access a client needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.azure import AzureFace
from tests.servers.bitbucket import BitbucketFace, BitbucketServerFace
from tests.servers.face import Face, running
from tests.servers.forge import Forge
from tests.servers.gerrit import GerritFace, GitFace
from tests.servers.gitea import GiteaFace
from tests.servers.github import GitHubFace
from tests.servers.gitlab import GitLabFace

FACES: dict[str, type[Face]] = {
    "github": GitHubFace,
    "gitlab": GitLabFace,
    "bitbucket": BitbucketFace,
    "bitbucket-server": BitbucketServerFace,
    "azure": AzureFace,
    "gitea": GiteaFace,
    "gerrit": GerritFace,
    "git": GitFace,
}
OWNERS = {"bitbucket-server": "ACME", "azure": "acme/shop"}
"""What an owner is called where `acme` will not do."""


@dataclass
class RunningHost:
    """A host that answers: its forge, its address, and the values of a connection to it."""

    product: str
    forge: Forge
    url: str
    connection: dict[str, Any]

    @property
    def owner(self) -> str:
        return OWNERS.get(self.product, "acme")

    def name(self, repository: str) -> str:
        return f"{self.owner}/{repository}"


@contextmanager
def running_host(product: str, root: Path, face: Face | None = None, port: int = 0) -> Iterator[RunningHost]:
    """Serve an empty host of a product; `acme` (or what stands for it) is there."""
    forge = face.forge if face else Forge(root)
    owner = OWNERS.get(product, "acme")
    forge.owner(owner, "Acme")
    with running(face or FACES[product](forge), port) as url:
        connection = {"product": product, "url": url, "token": forge.token, "private": True}
        if product == "bitbucket":
            connection["api_url"] = f"{url}/2.0"
        if product == "azure":
            connection["url"] = f"{url}/acme"
        if product == "gerrit":
            connection["username"] = forge.me
        yield RunningHost(product, forge, url, connection)
