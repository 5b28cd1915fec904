"""Take a built site into the store and look through it: navigation, pages, broken links, what changed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone

from callboard.plugins.techdocs.models import DocPage, Remark, Site
from callboard.plugins.techdocs.services.storing import store
from callboard.plugins.techdocs.types.html import page_facts, read_navigation
from callboard.plugins.techdocs.types.layout import METADATA, SiteKey, page_path
from callboard.sdk.events import publish

Read = Callable[[str], bytes | None]

_IDS = re.compile(r"""\s(?:id|name)=["']?([^"'\s>]+)""")
_SPECIAL = frozenset({"404.html", "search.html"})
_MOST_BROKEN = 50


def write_metadata(folder: Path, etag: str) -> None:
    """Complete the metadata file of a built site, as clients of the original read it."""
    path = folder / METADATA
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        value = {}
    if not isinstance(value, dict):
        value = {}
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    value |= {"build_timestamp": int(timezone.now().timestamp() * 1000), "files": names, "etag": etag}
    value.setdefault("site_name", "")
    path.write_bytes(orjson.dumps(value))


def publish_site(site: Site, folder: Path, mtimes: Callable[[str], datetime | None]) -> bool:
    """Make a built folder the site; answers whether its text changed."""
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    facts = look_through(names, lambda name: (folder / name).read_bytes())
    site.size = store().publish(SiteKey(site.ref, site.version).prefix(), folder)
    return keep_facts(site, facts, mtimes)


def look_through(names: Iterable[str], read: Read) -> dict[str, Any]:
    """Answer what is to be known of a site: its metadata, navigation, pages and broken links."""
    every = set(names)
    pages: dict[str, dict[str, Any]] = {}
    anchors: dict[str, set[str]] = {}
    links: dict[str, tuple[str, ...]] = {}
    navigation: list[Any] = []
    for name in sorted(every, key=lambda item: (item.count("/"), item != "index.html", item)):
        if not name.endswith(".html") or name in _SPECIAL:
            continue
        content = read(name)
        if content is None:
            continue
        html = content.decode("utf-8", "replace")
        if not navigation:
            navigation = [node.as_json() for node in read_navigation(html, name)]
        page = page_facts(html, name)
        if page.redirect or not page.digest:
            anchors[name] = set()
            continue
        path = page_path(name)
        anchors[name] = {unescape(found) for found in _IDS.findall(html)}
        links[name] = page.links
        pages[path] = {
            "path": path,
            "title": page.title[:500],
            "digest": page.digest,
            "words": page.words,
            "edit_url": page.edit_url[:2000],
            "broken": [],
        }
    for name, targets in links.items():
        pages[page_path(name)]["broken"] = _broken(targets, every, anchors)
    metadata = _metadata(read(METADATA) if METADATA in every else None)
    return {"metadata": metadata, "navigation": navigation, "pages": list(pages.values())}


def _metadata(content: bytes | None) -> dict[str, Any]:
    try:
        value = orjson.loads(content or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _broken(targets: Iterable[str], every: set[str], anchors: dict[str, set[str]]) -> list[list[str]]:
    found: list[list[str]] = []
    for target in dict.fromkeys(targets):
        path, _, anchor = target.partition("#")
        name = _object(path, every)
        if name is None:
            found.append([target, "missing"])
        elif anchor and name in anchors and anchors[name] and anchor not in anchors[name]:
            found.append([target, "anchor"])
        if len(found) >= _MOST_BROKEN:
            break
    return found


def _object(path: str, every: set[str]) -> str | None:
    bare = posixpath.normpath(path) if path else ""
    for name in (bare, f"{bare}/index.html".lstrip("/") if bare not in ("", ".") else "index.html", f"{bare}.html"):
        if name in every:
            return name
    return None


def keep_facts(site: Site, facts: dict[str, Any], mtimes: Callable[[str], datetime | None]) -> bool:
    """Write what is known of a site, close the remarks on pages that changed, say that it is there."""
    now = timezone.now()
    before = dict(DocPage.objects.filter(site=site).values_list("path", "digest"))
    rows = []
    for page in facts["pages"]:
        page = {**page, "changed_at": (mtimes(page["path"]) or now).isoformat()}  # noqa: PLW2901 - the same page, dated
        rows.append(page)
    changed = {row["path"] for row in rows if before.get(row["path"]) != row["digest"]}
    gone = before.keys() - {row["path"] for row in rows}
    metadata = facts["metadata"]
    with transaction.atomic():
        _write_pages(site.pk, rows)
        DocPage.objects.filter(site=site, path__in=gone).delete()
        _close_remarks(site, changed | gone)
        site.title = str(metadata.get("site_name") or "")[:300]
        described = metadata.get("site_description")
        site.description = "" if described in (None, "None") else str(described)[:1000]
        site.nav = facts["navigation"]
        site.page_count = len(rows)
        site.state, site.error, site.remedy = Site.State.BUILT, "", ""
        site.built_at = now
        site.stamp = f"{metadata.get('build_timestamp') or int(now.timestamp() * 1000)}"
        if changed or gone or site.changed_at is None:
            dates = [datetime.fromisoformat(row["changed_at"]) for row in rows]
            site.changed_at = now if before else max(dates, default=now)
        site.save()
        publish(
            "techdocs.site-built",
            {"ref": site.ref, "version": site.version, "pages": len(rows), "changed": sorted(changed | gone)[:1000]},
        )
    return bool(changed or gone)


def _write_pages(site: int, rows: list[dict[str, Any]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO cb_techdocs_page (site_id, path, title, digest, words, edit_url, broken, changed_at)
            SELECT %s, path, title, digest, words, edit_url, broken, changed_at FROM json_to_recordset(%s::json)
              AS t(path text, title text, digest text, words int, edit_url text, broken jsonb, changed_at timestamptz)
            ON CONFLICT (site_id, path) DO UPDATE SET title = excluded.title, digest = excluded.digest,
              words = excluded.words, edit_url = excluded.edit_url, broken = excluded.broken,
              changed_at = CASE WHEN cb_techdocs_page.digest = excluded.digest THEN cb_techdocs_page.changed_at
                                ELSE excluded.changed_at END
            """,
            [site, orjson.dumps(rows).decode()],
        )


def _close_remarks(site: Site, paths: set[str]) -> None:
    Remark.objects.filter(site=site, path__in=paths, state=Remark.State.OPEN).update(
        state=Remark.State.CLOSED, closed_at=timezone.now(), closed_because="the page changed"
    )
