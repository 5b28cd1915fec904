"""Answer pages ready to be shown, kept in memory while their build is the current one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from urllib.parse import quote

from django.urls import reverse

from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.services.storing import store
from callboard.plugins.techdocs.types.html import NavNode, PageContent, read_navigation, read_page
from callboard.plugins.techdocs.types.layout import SiteKey, page_object, page_path

_CACHE_BYTES = 12_000_000

_Key = tuple[int, str, str]


class _Pages:
    """The pages read last, up to a number of bytes; any number of threads may ask."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: OrderedDict[_Key, PageContent] = OrderedDict()
        self._size = 0

    def get(self, key: _Key) -> PageContent | None:
        with self._guard:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: _Key, page: PageContent) -> None:
        size = len(page.html) * 2
        if size > _CACHE_BYTES // 4:
            return
        with self._guard:
            if key not in self._kept:
                self._size += size
            self._kept[key] = page
            while self._size > _CACHE_BYTES:
                _, old = self._kept.popitem(last=False)
                self._size -= len(old.html) * 2


_pages = _Pages()


def prefix_of(key: SiteKey) -> str:
    """Answer where the objects of a site lie in the store."""
    return key.prefix()


def page_url(key: SiteKey, path: str = "", rest: str = "") -> str:
    """Answer the address of a page in the portal."""
    namespace, kind, name = key.triplet
    base = (
        reverse("techdocs-page", args=[namespace, kind, name, path])
        if path
        else reverse("techdocs-site", args=[namespace, kind, name])
    )
    if key.version:
        mark = "&" if rest.startswith("?") else "?"
        query, hash_, fragment = rest.partition("#")
        return f"{base}{query}{mark}version={quote(key.version, safe='')}{hash_}{fragment}"
    return base + rest


def file_url(key: SiteKey, path: str, rest: str = "") -> str:
    """Answer the address of a picture or any other file of a site."""
    base = f"/api/techdocs/static/docs/{quote(key.prefix(), safe='/@~')}/{quote(path)}"
    return base + rest


def page_content(site: Site, path: str) -> PageContent | None:
    """Answer a page of a built site, or nothing when the site has none there."""
    key = SiteKey(site.ref, site.version)
    known = (site.pk, site.stamp, path)
    page = _pages.get(known)
    if page is not None:
        return page
    for name in page_object(path):
        found = store().read(f"{key.prefix()}/{name}")
        if found is None:
            continue

        def resolve(kind: str, target: str, rest: str) -> str:
            return page_url(key, target, rest) if kind == "page" else file_url(key, target, rest)

        page = read_page(found.content.decode("utf-8", "replace"), name, resolve)
        _pages.put(known, page)
        return page
    return None


def navigation(site: Site) -> tuple[NavNode, ...]:
    """Answer the navigation of a site."""
    return tuple(NavNode.from_json(item) for item in site.nav)


def read_nav(html: str, name: str) -> list[list[object]]:
    """Answer the navigation on a built page as plain JSON."""
    return [node.as_json() for node in read_navigation(html, name)]


__all__ = ["file_url", "navigation", "page_content", "page_path", "page_url", "prefix_of", "read_nav"]
