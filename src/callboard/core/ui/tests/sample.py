"""A small plugin and its pages, to try the shell on: `contributions` as a plugin lists them."""

from __future__ import annotations

from datetime import timedelta

from django.http import Http404, HttpResponse
from django.utils import timezone

from callboard.core.permissions.decision import NotAllowedError
from callboard.core.registry import contract
from callboard.core.ui.paging import offset_page
from callboard.core.ui.rendering import render, toast

YAML = """apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: seat-reservation
  annotations:
    callboard.io/techdocs-ref: dir:.
  tags: [go, "tier-1"]
spec:
  type: service
  lifecycle: production # since 2021
  replicas: 3
  owner: group:ticketing
"""
TEXT = """## What it does

Keeps **seats** while people pay. See the [runbook](https://example.com/runbook) and `holds.md`.

| Step | Time |
|---|---|
| hold | 10 min |

```python
def hold(seat: str, *, minutes: int = 10) -> bool:
    # First come, first served.
    return True
```
"""
WORDS = [
    "seat-reservation",
    "payments",
    "orders",
    "pricing",
    "identity",
    "media-library",
    "discovery",
    "box-office",
    "engagement",
    "live-streaming",
]


def rows():
    now = timezone.now()
    owners = ("ticketing", "payments", "platform", "web")
    states = (
        ("production", "success"),
        ("experimental", "warning"),
        ("deprecated", "danger"),
        ("retired", "secondary"),
    )
    return [
        {
            "name": f"{WORDS[i % len(WORDS)]}-{i}" if i >= len(WORDS) else WORDS[i],
            "owner": owners[i % 4],
            "state": states[(i * 7) % 4],
            "changed": now - timedelta(minutes=i * i * 7),
        }
        for i in range(137)
    ]


def table(request):
    text = request.GET.get("q", "")
    found = [row for row in rows() if text in row["name"]]
    return render(
        request, "sample/table.html", {"page": offset_page(request, found, size=12), "text": text, "all": len(rows())}
    )


def entity(request, name):
    return render(request, "sample/entity.html", {"name": name, "yaml": YAML, "text": TEXT, "now": timezone.now()})


def form(request):
    if request.method == "POST":
        if not request.POST.get("name"):
            return render(request, "sample/form.html", {"error": "Give it a name."}, status=422)
        toast(request, f"{request.POST['name']} was registered.")
        response = HttpResponse(status=302)
        response["Location"] = "/sample/table"
        return response
    return render(request, "sample/form.html")


def card(request):
    return HttpResponse('<p id="late">It came later.</p>')


def broken_card(request):
    raise ValueError("the card is broken")


def broken(request):
    raise RuntimeError("secret detail")


def missing(request):
    raise Http404("No entity named x with kind y in namespace z")


def forbidden(request):
    raise NotAllowedError("catalog.location.create", "guests may look but not change anything")


def sign_in(request):
    return render(request, "sample/sign_in.html")


def badge(_request):
    return "12"


def broken_badge(_request):
    raise RuntimeError("no count")


def find(_request, text, limit):
    for word in WORDS:
        if text in word:
            yield contract.PaletteEntry(
                title=word, url=f"/sample/entity/{word}", subtitle="component · ticketing", icon="cpu"
            )


def broken_find(_request, _text, _limit):
    raise RuntimeError("the source is down")
    yield


Page, NavItem, Command = contract.Page, contract.NavItem, contract.Command

contributions = (
    Page(id="sample.table", path="sample/table", view=table, name="sample-table"),
    Page(id="sample.entity", path="sample/entity/<str:name>", view=entity, name="sample-entity"),
    Page(id="sample.form", path="sample/form", view=form, name="sample-form"),
    Page(id="sample.card", path="sample/card", view=card, name="sample-card"),
    Page(id="sample.broken-card", path="sample/broken-card", view=broken_card, name="sample-broken-card"),
    Page(id="sample.broken", path="sample/broken", view=broken, name="sample-broken"),
    Page(id="sample.missing", path="sample/missing", view=missing, name="sample-missing"),
    Page(id="sample.forbidden", path="sample/forbidden", view=forbidden, name="sample-forbidden"),
    Page(id="sample.admin", path="sample/admin", view=table, name="sample-admin", permission="admin.sample"),
    Page(id="sample.open", path="sample/open", view=card, name="sample-open", anonymous=True),
    Page(id="sample.sign-in", path="sample/sign-in", view=sign_in, name="sign-in", anonymous=True),
    Page(id="sample.sign-out", path="sample/sign-out", view=sign_in, name="sign-out", anonymous=True),
    NavItem(id="sample.nav-table", title="Catalog", page="sample-table", icon="category", badge=badge, order=1),
    NavItem(id="sample.nav-form", title="Register", page="sample-form", icon="plus", badge=broken_badge),
    NavItem(
        id="sample.nav-admin",
        title="Audit",
        page="sample-admin",
        icon="history",
        section="admin",
        permission="admin.sample",
    ),
    Command(
        id="sample.go",
        title="Open the catalog",
        page="sample-table",
        icon="category",
        keys="g c",
        keywords=("services",),
    ),
    Command(id="sample.make", title="Register a component", page="sample-form", icon="plus", keys="c r", create=True),
    Command(id="sample.admin-command", title="Open audit", page="sample-admin", permission="admin.sample", keys="g a"),
    contract.SettingsPage(id="sample.settings", title="Settings", page="sample-form"),
    contract.PaletteSource(id="sample.find", title="Entities", find=find),
    contract.PaletteSource(id="sample.find-broken", title="Broken", find=broken_find),
    contract.Permission(id="admin.sample", action="read"),
)
