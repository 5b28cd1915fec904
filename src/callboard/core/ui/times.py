"""Say times the way people do: "3 minutes ago", "in 2 days"."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

MINUTE, HOUR, DAY = 60, 3600, 86400
EXACT_AFTER = 45 * DAY
"""From here on a date says more than a number of days."""


def as_datetime(value: Any) -> datetime | None:
    """Read a time from a datetime, a date or ISO text; anything else is nothing."""
    if isinstance(value, str):
        try:
            value = parse_datetime(value) or parse_date(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if timezone.is_aware(value) else timezone.make_aware(value)
    if isinstance(value, date):
        return timezone.make_aware(datetime.combine(value, time.min))
    return None


def relative_time(moment: datetime, now: datetime | None = None) -> str:
    """Answer the distance of a time from now in words; far away, the date."""
    seconds = ((now or timezone.now()) - moment).total_seconds()
    distance = abs(seconds)
    if distance < 45:
        return gettext("just now") if seconds >= 0 else gettext("in a moment")
    if distance >= EXACT_AFTER:
        return date_format(timezone.localtime(moment), "DATE_FORMAT")
    if distance < 45 * MINUTE:
        count = max(1, round(distance / MINUTE))
        words = ngettext("%(count)d minute", "%(count)d minutes", count)
    elif distance < 22 * HOUR:
        count = max(1, round(distance / HOUR))
        words = ngettext("%(count)d hour", "%(count)d hours", count)
    else:
        count = max(1, round(distance / DAY))
        words = ngettext("%(count)d day", "%(count)d days", count)
    span = words % {"count": count}
    return (gettext("%(span)s ago") if seconds >= 0 else gettext("in %(span)s")) % {"span": span}
