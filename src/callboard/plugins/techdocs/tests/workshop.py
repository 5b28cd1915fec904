"""Make sources, entities and sites in tests, through the doors everybody uses."""

from __future__ import annotations

import re
import shutil
import uuid
from html import unescape
from pathlib import Path
from textwrap import dedent
from typing import Any

from django.test import Client

from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.services.building import build_site
from callboard.sdk.auth import create_user, forget_people
from callboard.sdk.config import portal_config
from callboard.sdk.contributions import Job
from callboard.sdk.jobs import JobContext
from callboard.sdk.plugins import contribution, registry

BACKEND = "django.contrib.auth.backends.ModelBackend"

TEAM = """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: writers, title: The Writers}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ann}
spec: {memberOf: [writers], profile: {displayName: Ann, email: ann@docs.example}}
"""


class Workshop:
    """A folder with catalog files and documentation, registered in a portal of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.admin = Browser("root", administrator=True)

    def write(self, files: dict[str, str | bytes], under: str = "") -> Path:
        """Write files below the folder."""
        for name, text in files.items():
            path = self.folder / under / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(text, bytes):
                path.write_bytes(text)
            else:
                path.write_text(dedent(text), encoding="utf-8")
        return self.folder / under

    def entity(
        self, name: str, files: dict[str, str | bytes], *, ref: str = "dir:.", more: str = "", title: str = ""
    ) -> str:
        """Write a component with its documentation, and answer its ref."""
        catalog = dedent(f"""\
            apiVersion: backstage.io/v1alpha1
            kind: Component
            metadata:
              name: {name}
              title: {title or name}
              annotations:
                backstage.io/techdocs-ref: {ref}
            spec: {{type: service, lifecycle: production, owner: writers}}
            """)
        self.write({**files, "catalog-info.yaml": catalog + more}, under=name)
        return f"component:default/{name}"

    def register(self, target: str | None = None, type_: str = "file") -> None:
        """Register everything, and let the catalog read it."""
        self.write({"team.yaml": TEAM})
        for place in [target] if target else [str(self.folder / "team.yaml"), f"{self.folder}/**/catalog-info.yaml"]:
            answer = self.admin.post("/api/catalog/locations", {"type": type_, "target": place}, json=True)
            assert answer.status_code in (201, 409), answer.content
        self.read()

    def read(self) -> None:
        """Let the catalog read what is due."""
        contribution(Job, "catalog.process").run(JobContext(uuid.uuid4(), uuid.uuid4()))

    def build(self, ref: str, version: str = "", *, force: bool = False) -> Site:
        """Build a site now."""
        self.lines = []
        build_site(ref, version, lambda level, text: self.lines.append(f"{level}: {text}"), force=force)
        return Site.objects.get(ref=ref, version=version)

    @property
    def log(self) -> str:
        """What the last build said."""
        return "\n".join(self.lines)


class Browser:
    """Somebody who is signed in and opens pages."""

    def __init__(self, username: str = "ann", **more: Any) -> None:
        self.client = Client()
        forget_people()
        registry.forget_state()
        self.client.force_login(create_user(username, **more), backend=BACKEND)

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any], *, json: bool = False) -> Any:
        return self.client.post(path, data, **({"content_type": "application/json"} if json else {}))

    def html(self, path: str) -> str:
        """The page's HTML, which has to be there."""
        answer = self.client.get(path, follow=True)
        assert answer.status_code == 200, (answer.status_code, path, answer.content[:500])
        return answer.content.decode()

    def text(self, path: str) -> str:
        """The page's words."""
        return words(self.html(path))


def words(html: str) -> str:
    """The words of a piece of HTML."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def article(html: str) -> str:
    """The text of the documentation on a page, as HTML."""
    return html[html.index('id="td-text">') + 13 : html.index("</article>")]


def open_roots(folder: Path) -> Any:
    """Let file locations read a folder."""
    rooms = portal_config().rooms
    before = rooms["catalog"]
    changed = before.model_copy(deep=True)
    changed.reading.roots = [str(folder)]
    changed.reading.allow = ["127.0.0.1"]
    rooms["catalog"] = changed
    return before


def clean(before: Any) -> None:
    """Put everything back."""
    portal_config().rooms["catalog"] = before
    shutil.rmtree(portal_config().data_dir / "techdocs", ignore_errors=True)
