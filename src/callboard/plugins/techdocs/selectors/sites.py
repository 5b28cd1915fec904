"""Answer sites, their pages and what reports say of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils import timezone

from callboard.plugins.techdocs.models import DocPage, Reading, Remark, Site, Vote
from callboard.plugins.techdocs.types.layout import SiteKey
from callboard.sdk.jobs import LogLine, Run

POPULAR_DAYS = 30


def site(key: SiteKey) -> Site | None:
    """Answer a site, without its log."""
    return Site.objects.filter(ref=key.ref, version=key.version).defer("log").first()


def sites_of(refs: list[str]) -> dict[str, Site]:
    """Answer the usual sites of many entities by ref."""
    found = Site.objects.filter(ref__in=refs, version="").defer("log", "nav")
    return {item.ref: item for item in found}


@dataclass(frozen=True)
class Shelf:
    """What the index shows beside a site."""

    pages: int
    changed_at: datetime | None
    readings: int = 0
    remarks: int = 0
    broken: int = 0


def shelves(sites: list[Site]) -> dict[int, Shelf]:
    """Answer what the index shows of many sites, in four queries."""
    keys = [item.pk for item in sites]
    since = timezone.now().date() - timedelta(days=POPULAR_DAYS)
    read = dict(
        Reading.objects.filter(site__in=keys, day__gte=since).values_list("site").annotate(n=Sum("count")).order_by()
    )
    open_ = dict(
        Remark.objects.filter(site__in=keys, state="open").values_list("site").annotate(n=Count("pk")).order_by()
    )
    broken = dict(
        DocPage.objects.filter(site__in=keys).exclude(broken=[]).values_list("site").annotate(n=Count("pk")).order_by()
    )
    return {
        item.pk: Shelf(
            item.page_count,
            item.changed_at,
            read.get(item.pk, 0),
            open_.get(item.pk, 0),
            broken.get(item.pk, 0),
        )
        for item in sites
    }


def all_sites() -> QuerySet[Site]:
    """Answer the usual sites of all entities, without what is long."""
    return Site.objects.filter(version="").defer("log", "nav")


def pages_named(text: str, limit: int) -> list[tuple[str, str, str, str]]:
    """Answer pages whose title has these words, as (ref, title of the site, title, path)."""
    found = DocPage.objects.filter(site__version="")
    for word in text.split()[:6]:
        found = found.filter(Q(title__icontains=word) | Q(site__title__icontains=word))
    starts = found.filter(title__istartswith=text.strip())
    rows = [*starts[:limit].values_list(*_NAMED), *found.order_by("title")[:limit].values_list(*_NAMED)]
    return list(dict.fromkeys(rows))[:limit]


_NAMED = ("site__ref", "site__title", "title", "path")


@dataclass(frozen=True)
class Verdict:
    """What readers think of a page: votes, the caller's own, and open remarks."""

    yes: int = 0
    no: int = 0
    mine: bool | None = None
    remarks: list[Remark] = field(default_factory=list)


def verdict(found: Site, path: str, person: str) -> Verdict:
    """Answer what readers think of a page."""
    votes = Vote.objects.filter(site=found, path=path)
    counts = votes.aggregate(yes=Count("pk", filter=Q(helpful=True)), no=Count("pk", filter=Q(helpful=False)))
    mine = votes.filter(person=person).values_list("helpful", flat=True).first()
    remarks = list(Remark.objects.filter(site=found, path=path, state="open").order_by("created_at")[:100])
    return Verdict(counts["yes"], counts["no"], mine, remarks)


def open_remarks(refs: list[str]) -> QuerySet[Remark]:
    """Answer the open remarks on the documentation of some entities, oldest first."""
    return Remark.objects.filter(site__ref__in=refs, state="open").select_related("site").order_by("created_at")


def broken_pages(refs: list[str]) -> QuerySet[DocPage]:
    """Answer the pages with broken links."""
    found = DocPage.objects.filter(site__ref__in=refs, site__version="").exclude(broken=[])
    return found.select_related("site").defer("site__log", "site__nav").order_by("site__ref", "path")


def stale_pages(refs: list[str], before: datetime) -> QuerySet[DocPage]:
    """Answer the pages that did not change since a moment, those most read first."""
    since = timezone.now().date() - timedelta(days=POPULAR_DAYS)
    found = DocPage.objects.filter(site__ref__in=refs, site__version="", changed_at__lt=before)
    read = Sum("site__readings__count", filter=Q(site__readings__path=F("path"), site__readings__day__gte=since))
    return found.select_related("site").defer("site__log", "site__nav").annotate(reads=read).order_by("changed_at")


def stamp_of(ref: str) -> str:
    """Answer what names the current build of an entity's site; empty before the first."""
    return Site.objects.filter(ref=ref, version="").values_list("stamp", flat=True).first() or ""


def versions_of(ref: str) -> list[str]:
    """Answer the branches and tags of which there are sites."""
    return list(Site.objects.filter(ref=ref).exclude(version="").values_list("version", flat=True))


def site_state(number: int) -> Site | None:
    """Answer how a site is now, without what is long."""
    return Site.objects.filter(pk=number).defer("log", "nav").first()


def log_of(site_: Site) -> str:
    """Answer the log of the last build that was made or failed."""
    return Site.objects.filter(pk=site_.pk).values_list("log", flat=True).first() or ""


def run_state(site_: Site) -> str:
    """Answer where the run that builds a site stands; empty when there is none any longer."""
    return Run.objects.filter(pk=site_.run).values_list("state", flat=True).first() or ""


def run_lines(site_: Site, after: int = 0, limit: int = 500) -> list[LogLine]:
    """Answer lines of the log of the run that builds a site: those after one, or else the last ones."""
    found = LogLine.objects.filter(run_id=site_.run, n__gt=after)
    return list(found.order_by("n")[:limit]) if after else list(found.order_by("-n")[:limit])[::-1]


def page_row(site_: Site, path: str) -> DocPage | None:
    """Answer what reports know of a page."""
    return DocPage.objects.filter(site=site_, path=path).first()


def latest_pages(site_: Site, limit: int) -> list[tuple[str, str, datetime]]:
    """Answer the pages that changed last, as (title, path, when)."""
    rows = DocPage.objects.filter(site=site_).order_by("-changed_at", "path")
    return list(rows.values_list("title", "path", "changed_at")[:limit])


def failed_sites(refs: list[str]) -> QuerySet[Site]:
    """Answer the sites that could not be built, versions as well."""
    return Site.objects.filter(ref__in=refs, state=Site.State.FAILED).order_by("ref", "version")


def readable_sites(refs: list[str] | None = None) -> QuerySet[Site]:
    """Answer the usual sites that have a build to read: of some entities, or all."""
    found = all_sites().exclude(built_at=None).order_by("ref")
    return found if refs is None else found.filter(ref__in=refs)


def page_dates(site_: Site) -> dict[str, datetime]:
    """Answer when each page of a site changed."""
    return dict(DocPage.objects.filter(site=site_).values_list("path", "changed_at"))
