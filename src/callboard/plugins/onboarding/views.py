"""Choose repositories of a host, see and correct what they are, import them or ask for a file."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from callboard.lib.problems import ProblemError
from callboard.plugins.hosts.public import HostError
from callboard.plugins.onboarding import selectors, services
from callboard.plugins.onboarding.models import Repository
from callboard.sdk.ui import offset_page, page_size, render, toast

SHOWN = 500
FIELDS = ("name", "path", "type", "owner", "system", "lifecycle", "language", "description")


@require_http_methods(["GET", "HEAD", "POST"])
def choose_repositories(request: HttpRequest) -> HttpResponse:
    """Choose a host, an organisation and repositories."""
    data = request.POST if request.method == "POST" else request.GET
    host, owner = data.get("host", "")[:200], data.get("owner", "")[:300]
    text = data.get("text", "").strip()[:200]
    hosts = selectors.connected_hosts()
    if not host and len(hosts) == 1:
        host = hosts[0].name
    context: dict[str, object] = {"hosts": hosts, "host": host, "owner": owner, "text": text}
    try:
        if host:
            context["owners"] = selectors.organisations_of(host)
        found = selectors.repositories_of(host, owner, text) if host and owner else []
        if request.method == "POST":
            names = [item.full_name for item in found] if "all" in data else data.getlist("repository")
            services.choose(host, names)
            return HttpResponseRedirect(reverse("onboarding-repositories"))
        context |= {"found": found[:SHOWN], "count": len(found), "more": max(0, len(found) - SHOWN)}
    except HostError as error:
        context["mistake"] = error
    except ProblemError as error:
        toast(request, str(error.problems[0].message), "warning")
        return HttpResponseRedirect(f"{reverse('onboarding')}?host={host}&owner={owner}")
    return render(request, "onboarding/choose.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def repository_list(request: HttpRequest) -> HttpResponse:
    """Show the chosen repositories with what is suggested; act on those that are ticked."""
    if request.method == "POST":
        rows = [row for uid in request.POST.getlist("id") if (row := selectors.one(uid)) is not None]
        _act(request, request.POST.get("action", ""), rows)
        return HttpResponseRedirect(reverse("onboarding-repositories"))
    state, text = request.GET.get("state", "")[:20], request.GET.get("text", "").strip()[:200]
    page = offset_page(request, selectors.chosen(state, text), size=page_size(request))
    context = {
        "page": page,
        "rows": [(row, selectors.components_of(row)) for row in page],
        "states": sorted(selectors.counts().items()),
        "state": state,
        "text": text,
        "busy": selectors.busy(),
    }
    part = request.GET.get("part")
    return render(request, "onboarding/_rows.html" if part else "onboarding/repositories.html", context)


def _act(request: HttpRequest, action: str, rows: list[Repository]) -> None:
    if not rows:
        toast(request, _("Tick at least one repository."), "warning")
    elif action == "import":
        done = services.import_repositories(rows)
        count = len(done["imported"])
        words = ngettext("%(count)d entity is imported.", "%(count)d entities are imported.", count) % {"count": count}
        toast(request, " ".join([words, *done["rejected"][:3]]), "warning" if done["rejected"] else "success")
    elif action == "request":
        count = services.request_files(rows)
        words = ngettext("%(count)d pull request is being opened.", "%(count)d pull requests are being opened.", count)
        toast(request, words % {"count": count}, "info")
    elif action == "forget":
        services.forget(rows)
        toast(request, _("They are off the list; entities stay as they are."), "info")


@require_http_methods(["GET", "HEAD", "POST"])
def repository_detail(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Correct what is suggested for a repository; switch between portal and file."""
    row = selectors.one(str(uid))
    if row is None:
        raise Http404(_("This repository is not on the list any longer."))
    if request.method == "POST":
        try:
            if request.POST.get("action") == "manage-here":
                services.manage_here(row)
                toast(request, _("Its entities are managed in the portal now."))
            else:
                services.correct(row, _components(request, row))
                toast(request, _("Saved."))
                if request.POST.get("action") in {"import", "request"}:
                    _act(request, request.POST["action"], [row])
        except ProblemError as error:
            toast(request, str(error.problems[0]), "danger")
        return HttpResponseRedirect(reverse("onboarding-repository", args=[uid]))
    context = {"row": row, "components": selectors.components_of(row), "fields": FIELDS}
    return render(request, "onboarding/repository.html", context)


def _components(request: HttpRequest, row: Repository) -> list[dict[str, object]]:
    """Read the table: every row of inputs has the number of its component."""
    found = []
    for number, known in enumerate(row.components):
        values = {field: request.POST.get(f"{number}-{field}", known.get(field, "")) for field in FIELDS}
        include, docs = f"{number}-include" in request.POST, f"{number}-docs" in request.POST
        found.append({**known, **values, "include": include, "docs": docs})
    return found
