"""Webhooks: which events are sent where, what came of it, and what plugins could not handle."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from callboard.sdk import events
from callboard.sdk.permissions import require
from callboard.sdk.ui import offset_page, render

_MANAGE = "admin.webhooks.manage"


@require_safe
def webhook_list(request: HttpRequest) -> HttpResponse:
    """Show all webhooks, or the dead letters of plugins' subscribers."""
    require(_MANAGE)
    counts = events.counts()
    context: dict[str, object] = {"dead_count": counts["subscribers"]["dead"]}
    if request.GET.get("tab") == "dead":
        context |= {"tab": "dead", "page": offset_page(request, events.dead_letters())}
    else:
        context |= {"tab": "webhooks", "webhooks": events.webhooks()}
    return render(request, "portal/webhooks.html", context)


@require_http_methods(["GET", "POST"])
def webhook_new(request: HttpRequest) -> HttpResponse:
    """Ask for a webhook, create it, and show its secret this once."""
    require(_MANAGE)
    values = _values(request) if request.method == "POST" else {"title": "", "url": "", "events": "*"}
    if request.method != "POST":
        return _form(request, values)
    try:
        webhook, secret = events.create_webhook(values["title"], values["url"], values["events"].split())
    except events.WebhookError as error:
        return _form(request, values, error)
    return _detail(request, webhook.pk, {"secret": secret})


@require_http_methods(["GET", "POST"])
def webhook_detail(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Show a webhook with its deliveries, and change it."""
    require(_MANAGE)
    if request.method != "POST":
        return _detail(request, webhook_id, {})
    values = _values(request)
    try:
        events.change_webhook(webhook_id, title=values["title"], url=values["url"], events=values["events"].split())
    except events.WebhookError as error:
        context: dict[str, Any] = {"tab": "settings", "values": values, "error": str(error), "field": error.field}
        return _detail(request, webhook_id, context, status=422)
    messages.success(request, _("Saved."))
    return redirect("webhook", webhook_id=webhook_id)


@require_POST
def webhook_action(request: HttpRequest, webhook_id: UUID, action: str) -> HttpResponse:
    """Switch a webhook on or off, test it, delete it, or send a delivery again."""
    try:
        if action in {"on", "off"}:
            events.switch_webhook(webhook_id, on=action == "on")
            messages.success(request, _("The webhook is on.") if action == "on" else _("The webhook is off."))
        elif action == "ping":
            events.ping_webhook(webhook_id)
            messages.success(request, _("A test event is on its way."))
        elif action == "redeliver":
            events.redeliver(_uuid(request.POST.get("delivery", "")))
            messages.success(request, _("It is sent again."))
        elif action == "delete":
            events.delete_webhook(webhook_id)
            messages.success(request, _("The webhook was deleted."))
            return redirect("webhooks")
        else:
            raise Http404(_("Webhooks know no such action."))
    except events.WebhookError as error:
        messages.error(request, str(error), extra_tags="danger")
        if events.webhook(webhook_id) is None:
            return redirect("webhooks")
    return redirect("webhook", webhook_id=webhook_id)


@require_POST
def dead_letters_replay(request: HttpRequest) -> HttpResponse:
    """Hand dead letters to their subscribers again."""
    asked = request.POST.getlist("delivery")
    chosen = [int(pk) for pk in asked if pk.isascii() and pk.isdigit() and len(pk) < 19]
    count = events.replay(chosen)
    text = ngettext("%(count)d event is handed over again.", "%(count)d events are handed over again.", count)
    messages.success(request, text % {"count": count})
    return redirect("webhooks")


def _detail(request: HttpRequest, webhook_id: UUID, extra: dict[str, Any], status: int = 200) -> HttpResponse:
    webhook = events.webhook(webhook_id)
    if webhook is None:
        raise Http404(_("There is no such webhook; somebody may have deleted it."))
    state = request.GET.get("state", "")
    known = events.WebhookDelivery.State
    state = state if state in known.values else ""
    context = {
        "webhook": webhook,
        "tab": "settings" if request.GET.get("tab") == "settings" else "deliveries",
        "state": state,
        "states": known.choices,
        "page": offset_page(request, events.deliveries_of(webhook_id, state)),
        "values": {"title": webhook.title, "url": webhook.url, "events": "\n".join(webhook.events)},
        "event_types": events.event_types(),
        **extra,
    }
    return render(request, "portal/webhook.html", context, status=status)


def _form(request: HttpRequest, values: dict[str, str], error: events.WebhookError | None = None) -> HttpResponse:
    context = {"values": values, "event_types": events.event_types()}
    if error is None:
        return render(request, "portal/webhook_new.html", context)
    context |= {"error": str(error), "field": error.field}
    return render(request, "portal/webhook_new.html", context, status=422)


def _values(request: HttpRequest) -> dict[str, str]:
    # PostgreSQL knows no NUL in text.
    return {name: request.POST.get(name, "").replace("\0", "")[:20_000] for name in ("title", "url", "events")}


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404(_("There is no such delivery.")) from None
