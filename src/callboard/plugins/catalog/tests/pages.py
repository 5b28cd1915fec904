"""Open the catalog's pages in tests, as somebody."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from textwrap import dedent
from typing import Any

from django.http import HttpResponse
from django.test import Client

from callboard.plugins.catalog.tests.engine import register
from callboard.sdk.auth import create_user, forget_people
from callboard.sdk.plugins import registry

BACKEND = "django.contrib.auth.backends.ModelBackend"

COMPANY = """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: fruit, title: Fruit Company}
spec: {type: root, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: apples, title: The Apples}
spec: {type: team, parent: fruit, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ann}
spec: {memberOf: [apples], profile: {displayName: Ann Apple, email: ann@fruit.example}}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: shop}
spec: {owner: apples}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: basket
  title: Basket
  description: Holds **fruit** until it is paid.
  tags: [python, core]
  labels: {tier: gold}
  links: [{url: "https://wiki.example/basket", title: Wiki}]
  annotations: {backstage.io/view-url: "https://git.example/basket", backstage.io/edit-url: "javascript:x"}
spec: {type: service, lifecycle: production, owner: apples, system: shop, providesApis: [basket-api], dependsOn: ["resource:gone"]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: till, description: Takes the money., tags: [java]}
spec: {type: Service, lifecycle: experimental, owner: fruit, consumesApis: [basket-api]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: peel, description: Library for peeling., tags: [python]}
spec: {type: library, lifecycle: production, owner: apples}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: basket-api}
spec: {type: openapi, lifecycle: production, owner: apples, definition: "openapi: 3.1.0\\ninfo: {title: <b>Basket</b>}\\n"}
"""


class Browser:
    """Somebody who is signed in."""

    def __init__(self, name: str = "ann", *, administrator: bool = False, **headers: str) -> None:
        forget_people()
        registry.forget_state()
        self.user = create_user(name, email=f"{name}@fruit.example", administrator=administrator)
        self.client = Client()
        self.client.force_login(self.user, backend=BACKEND)
        self.headers = headers

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.client.get(path, headers={**self.headers, **headers})

    def post(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
        return self.client.post(path, data or {}, headers={**self.headers, **headers})


def company(folder: Path, text: str = COMPANY) -> Any:
    """Register a small company; answer its source."""
    path = folder / "catalog-info.yaml"
    path.write_text(dedent(text))
    return register(path)


def text_of(response: HttpResponse) -> str:
    """What a reader sees, on one line."""
    html = re.sub(r"<(script|style|template)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    page = html.split('id="page"', 1)[-1].split('id="toasts"')[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def names_of(response: HttpResponse) -> list[str]:
    """The entities of the table, in order."""
    found = re.findall(r"<tr data-row.*?<th[^>]*>.*?<span>(.*?)</span>", response.content.decode(), re.DOTALL)
    return [unescape(name) for name in found]


def counts_of(response: HttpResponse, facet: str) -> dict[str, int]:
    """The values of a filter with their counts."""
    pattern = rf'name="filters\[{facet}\]" value="([^"]*)".*?cb-count">(\d+)<'
    return {unescape(v): int(n) for v, n in re.findall(pattern, response.content.decode(), re.DOTALL)}
