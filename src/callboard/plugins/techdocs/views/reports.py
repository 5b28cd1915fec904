"""Show what needs care: builds that failed, remarks, broken links, pages nobody touched for long."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from callboard.plugins.catalog.public import named
from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.selectors import sites
from callboard.plugins.techdocs.selectors.sources import settings
from callboard.plugins.techdocs.services.feedback import may_close
from callboard.plugins.techdocs.services.reading import page_url
from callboard.plugins.techdocs.types.layout import SiteKey
from callboard.sdk.auth import principal
from callboard.sdk.ui import offset_page, render


@require_safe
def care(request: HttpRequest) -> HttpResponse:
    """Show one of the four reports, for what the caller owns or for everything."""
    report = request.GET.get("report", "remarks")
    report = report if report in ("failed", "remarks", "broken", "stale") else "remarks"
    who = principal()
    mine = {who.ref, *who.ownership_refs}
    # Without anything of one's own the whole portal is worth a look.
    whose = request.GET.get("whose", "")
    every = [site.ref for site in sites.all_sites()]
    names = {ref: item for ref, item in named(every).items() if item.exists}
    own = [ref for ref, item in names.items() if item.owner_ref in mine]
    whose = whose if whose in ("owned", "all") else "owned" if own else "all"
    refs = own if whose == "owned" else list(names)
    before = timezone.now() - timedelta(days=settings().stale_days)
    lists = {
        "failed": sites.failed_sites(refs),
        "remarks": sites.open_remarks(refs),
        "broken": sites.broken_pages(refs),
        "stale": sites.stale_pages(refs, before),
    }
    page = offset_page(request, lists[report], size=50)
    rows = []
    for item in page.items:
        site = item if isinstance(item, Site) else item.site
        path = "" if isinstance(item, Site) else item.path
        key = SiteKey(site.ref, site.version)
        closable = report == "remarks" and may_close(item)
        rows.append((item, names[site.ref], page_url(key, path), closable))
    context = {
        "report": report,
        "whose": whose,
        "page": page,
        "rows": rows,
        "owns": bool(own),
        "stale_days": settings().stale_days,
        "tabs": [
            ("remarks", _("Remarks"), lists["remarks"].count()),
            ("failed", _("Failed builds"), lists["failed"].count()),
            ("broken", _("Broken links"), lists["broken"].count()),
            ("stale", _("Stale pages"), lists["stale"].count()),
        ],
    }
    return render(request, "techdocs/care.html", context)
