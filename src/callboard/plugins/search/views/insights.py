"""What people look for, and do not find."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from callboard.plugins.search import selectors
from callboard.sdk.auth import principal
from callboard.sdk.search import index_status
from callboard.sdk.ui import render

PERIODS = (7, 30, 90)


@require_safe
def insights(request: HttpRequest) -> HttpResponse:
    """Show what was looked for in vain, what led nowhere, what led to one's own things."""
    chosen = request.GET.get("days", "")
    days = int(chosen) if chosen in {str(number) for number in PERIODS} else 30
    who = principal()
    return render(
        request,
        "search/insights.html",
        {
            "days": days,
            "periods": PERIODS,
            "totals": selectors.totals(days),
            "vain": selectors.asked_in_vain(days),
            "ignored": selectors.asked_without_choice(days),
            "most": selectors.asked_most(days),
            "mine": selectors.led_to_owned(days, who.ownership_refs),
            "status": index_status(),
        },
    )
