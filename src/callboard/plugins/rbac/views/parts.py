"""What the pages of access share: how they read forms, name people, and say what went wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from callboard.plugins.rbac.models import Policy
from callboard.plugins.rbac.selectors.policies import version
from callboard.plugins.rbac.services.errors import AccessError
from callboard.sdk.auth import Listed, people_directory
from callboard.sdk.contributions import Permission
from callboard.sdk.plugins import contributions, registry

READ = "policy.entity.read"
SUGGESTIONS = 20


def text(request: HttpRequest, name: str, limit: int = 2000) -> str:
    """Answer a field of a form or of the address, without what a database refuses."""
    found = request.POST.get(name, "") if request.method == "POST" else request.GET.get(name, "")
    return found.replace("\0", "").strip()[:limit]


def row_or_404(policy_id: UUID) -> Policy:
    """Answer one version."""
    row = version(policy_id)
    if row is None:
        raise Http404(_("There is no such policy; somebody may have deleted the draft."))
    return row


def refuse(request: HttpRequest, error: AccessError) -> None:
    """Tell people what was wrong, on the page that is shown next."""
    messages.error(request, str(error), extra_tags="danger")


def names() -> dict[str, str]:
    """Answer what people and groups are called, by ref."""
    directory = people_directory()
    if directory is None:
        return {}
    return {item.ref: item.title for item in (*directory.people(), *directory.groups())}


def found_people(words: str, *, groups: bool = True) -> list[Listed]:
    """Answer people and groups whose name or ref has these words: groups first, because they should be preferred."""
    directory = people_directory()
    if directory is None:
        return []
    wanted = words.casefold().split()

    def fits(item: Listed) -> bool:
        said = f"{item.ref} {item.title}".casefold()
        return all(word in said for word in wanted)

    listed = [*(directory.groups() if groups else ()), *directory.people()]
    return [item for item in listed if fits(item)][:SUGGESTIONS]


def permission_groups() -> list[tuple[str, list[Permission]]]:
    """Answer all permissions by the title of their plugin, for a choice."""
    groups: dict[str, list[Permission]] = {}
    titles = {loaded.plugin.name: loaded.plugin.manifest.title for loaded in registry.plugins()}
    for item in sorted(contributions(Permission), key=lambda permission: permission.id):
        owner = registry.owner_of(item)
        groups.setdefault(titles.get(owner, owner), []).append(item)
    return sorted(groups.items())


def table_file(rows: Iterable[Sequence[str]], name: str) -> HttpResponse:
    """Answer rows as a CSV file; cells that a spreadsheet would take for formulas are made harmless."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell for cell in row])
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
