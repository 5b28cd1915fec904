"""Take what readers say: whether a page helped, and remarks on its sentences."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from callboard.plugins.catalog.public import entity_view
from callboard.plugins.techdocs.models import DocPage, Remark, Site, Vote
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.events import publish
from callboard.sdk.permissions import authorize, require

LONGEST = 4000
LONGEST_QUOTE = 1000
MOST_OPEN = 200
"""Open remarks one person may have on one site."""

GIVE = "techdocs.feedback.create"


class FeedbackError(ValueError):
    """What was said cannot be taken; the message says why."""


def vote(ref: str, version: str, path: str, helpful: bool) -> Vote:
    """Say whether a page helped; a second vote of the same person replaces the first."""
    require(GIVE)
    site = _page(ref, version, path)
    with transaction.atomic():
        found, created = Vote.objects.update_or_create(
            site=site, path=path, person=principal().ref, defaults={"helpful": helpful, "at": timezone.now()}
        )
        record("techdocs.page.vote", ref, {"path": path, "helpful": helpful})
        if created:
            publish("techdocs.page-voted", {"ref": ref, "version": version, "path": path, "helpful": helpful})
    return found


def remark(ref: str, version: str, path: str, text: str, quote: str = "") -> Remark:
    """Leave a remark for the owner, on a sentence if one is quoted."""
    require(GIVE)
    words = text.strip()
    if not words:
        raise FeedbackError(_("Write what the owner should know."))
    if len(words) > LONGEST or len(quote) > LONGEST_QUOTE:
        raise FeedbackError(_("That is too long; say it in fewer words."))
    site = _page(ref, version, path)
    who = principal()
    with transaction.atomic():
        if Remark.objects.filter(site=site, author=who.ref, state="open").count() >= MOST_OPEN:
            raise FeedbackError(_("Too many of your remarks on this documentation are still open."))
        page = DocPage.objects.filter(site=site, path=path).first()
        found = Remark.objects.create(
            site=site,
            path=path,
            page_digest=page.digest if page else "",
            quote=quote.strip(),
            text=words,
            author=who.ref,
            author_name=who.name,
        )
        record("techdocs.remark.create", ref, {"path": path, "remark": found.pk})
        publish(
            "techdocs.remark-left",
            {"ref": ref, "version": version, "path": path, "text": words, "quote": found.quote, "author": who.ref},
        )
    return found


def close_remark(number: int) -> Remark:
    """Close a remark: its author may, and whoever may refresh the entity and owns it, or administers."""
    with transaction.atomic():
        found = Remark.objects.select_for_update().filter(pk=number).select_related("site").first()
        if found is None or entity_view(found.site.ref) is None:
            raise FeedbackError(_("There is no such remark."))
        if not may_close(found):
            raise FeedbackError(_("Only its author and the owner of the documentation may close a remark."))
        if found.state == Remark.State.OPEN:
            found.state = Remark.State.CLOSED
            found.closed_at, found.closed_by = timezone.now(), principal().ref
            found.closed_because = "closed by hand"
            found.save(update_fields=["state", "closed_at", "closed_by", "closed_because"])
            record("techdocs.remark.close", found.site.ref, {"path": found.path, "remark": found.pk})
            publish("techdocs.remark-closed", {"ref": found.site.ref, "path": found.path, "text": found.text})
    return found


def may_close(found: Remark) -> bool:
    """Whether the caller may close a remark."""
    who = principal()
    if who.ref == found.author or authorize("techdocs.feedback.manage").allowed:
        return True
    entity = entity_view(found.site.ref)
    return entity is not None and bool(set(entity.related("ownedBy")) & {who.ref, *who.ownership_refs})


def count_reading(site: Site, path: str) -> None:
    """Count that a page was opened; who opened it is nobody's business."""
    from django.db import connection  # noqa: PLC0415 - one statement

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cb_techdocs_reading (site_id, path, day, count) VALUES (%s, %s, %s, 1)"
            " ON CONFLICT (site_id, path, day) DO UPDATE SET count = cb_techdocs_reading.count + 1",
            [site.pk, path, timezone.now().date()],
        )


def _page(ref: str, version: str, path: str) -> Site:
    if entity_view(ref) is None:
        raise FeedbackError(_("There is no such entity, or you may not see it."))
    site = Site.objects.filter(ref=ref, version=version).first()
    if site is None or not DocPage.objects.filter(site=site, path=path).exists():
        raise FeedbackError(_("There is no such page any longer."))
    return site
