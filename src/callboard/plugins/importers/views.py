"""Show what a file of another tool becomes, and take it into the catalog."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from callboard.lib.problems import ProblemError
from callboard.lib.yaml12 import dump
from callboard.plugins.importers.services import convert_text, import_conversion
from callboard.plugins.importers.types.formats import FORMATS, Conversion
from callboard.sdk.permissions import decide, require
from callboard.sdk.ui import render, toast

LARGEST = 5_000_000
SHOWN = 500


@require_http_methods(["GET", "HEAD", "POST"])
def convert_file(request: HttpRequest) -> HttpResponse:
    """Take a pasted or uploaded file, show the report, import the entities or hand them out as YAML."""
    require("catalog.entity.create")
    text, name = request.POST.get("text", ""), request.POST.get("file_name", "").strip()[:300]
    upload = request.FILES.get("file")
    mistakes: list[str] = []
    if upload is not None:
        if (upload.size or 0) > LARGEST:
            mistakes.append(_("The file is larger than 5 MB; import it from a repository."))
        else:
            text, name = upload.read().decode("utf-8", "replace"), upload.name or name
    context = {
        "text": text,
        "file_name": name,
        "format": request.POST.get("format", ""),
        "formats": FORMATS,
        "mistakes": mistakes,
        "may_import": decide("catalog.entity.create").result != "deny",
    }
    if request.method != "POST" or mistakes:
        return render(request, "importers/convert.html", context)
    try:
        done = convert_text(text, name, request.POST.get("format", ""))
    except ProblemError as error:
        mistakes += [f"{problem.message} {problem.remedy}" for problem in error.problems]
        return render(request, "importers/convert.html", context)
    step = request.POST.get("step")
    if step == "yaml":
        return _yaml(done)
    outcome = import_conversion(done, dry_run=step != "import")
    if step == "import":
        count = sum(outcome.counts.get(key, 0) for key in ("created", "changed"))
        words = ngettext("%(count)d entity is imported.", "%(count)d entities are imported.", count)
        toast(request, words % {"count": count})
        if not outcome.counts.get("rejected"):
            return HttpResponseRedirect(reverse("ingestion-sets"))
    context |= {
        "done": done,
        "counts": done.counts,
        "notes": done.notes[:SHOWN],
        "more": max(0, len(done.notes) - SHOWN),
        "items": outcome.items[:SHOWN],
        "usable": sum(1 for item in outcome.items if item.result != "rejected"),
    }
    return render(request, "importers/convert.html", context)


def _yaml(done: Conversion) -> HttpResponse:
    body = "---\n".join(dump(entity) for entity in done.entities)
    answer = HttpResponse(body, content_type="application/yaml; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="catalog-info.yaml"'
    return answer
