"""Walk through a template: its pages of questions, a review, and the start of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from callboard.lib.refs import EntityRef
from callboard.plugins.catalog.public import tags_like
from callboard.plugins.hosts.public import hosts
from callboard.plugins.scaffolder.selectors import fields as extensions
from callboard.plugins.scaffolder.selectors.gallery import draft_of
from callboard.plugins.scaffolder.selectors.templates import Found, asking, find_template
from callboard.plugins.scaffolder.services.drafts import drop_draft, save_draft
from callboard.plugins.scaffolder.services.tasks import create_task
from callboard.plugins.scaffolder.types.answers import Sent, change_list, read_answers, secrets_of
from callboard.plugins.scaffolder.types.forms import Field, build_fields, object_fields, ui
from callboard.plugins.scaffolder.types.schema import Mistake, SchemaError, check, with_defaults
from callboard.plugins.scaffolder.types.tasks import ScaffolderError, UnknownTemplateError, WrongAnswersError
from callboard.sdk.permissions import authorize
from callboard.sdk.ui import render, toast

PREFILL = 100_000


def _found(namespace: str, name: str) -> Found:
    try:
        return find_template(str(EntityRef("template", namespace, name)))
    except UnknownTemplateError as error:
        raise Http404(_("There is no template called %(name)s.") % {"name": name[:200]}) from error


@require_http_methods(["GET", "HEAD", "POST"])
def template_form(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show a page of questions, take its answers, show the review, start the task."""
    try:
        found = _found(namespace, name)
        wizard = Wizard(request, found)
        return wizard.sent() if request.method == "POST" else wizard.show()
    except SchemaError as error:
        context = {"message": str(error), "remedy": _("Correct the schema of the template.")}
        return render(request, "scaffolder/broken.html", context, status=422)
    except ScaffolderError as error:
        if isinstance(error, UnknownTemplateError):
            raise
        return render(request, "scaffolder/broken.html", {"message": error.message, "remedy": error.remedy}, status=422)


class Wizard:
    """One request to the form of a template."""

    def __init__(self, request: HttpRequest, found: Found) -> None:
        self.request, self.found = request, found
        self.pages = found.pages
        self.may_create = authorize("scaffolder.task.create").allowed
        self.hosts = {one.host: str(one.product) for one in hosts()}
        self.entity = request.GET.get("entity", "").replace("\0", "")[:500]
        self.address = reverse("create-template", args=[found.view.namespace, found.view.name])
        draft = draft_of(found.ref) if self.may_create else None
        self.fresh = draft is None
        self.values: dict[str, Any] = dict(draft.values) if draft else {}
        self.kept_page = draft.page if draft else 0

    # --- Showing ---------------------------------------------------------------------

    def show(self) -> HttpResponse:
        """Answer the page that the address names, the one a draft stands at, or the first."""
        prefill = self._prefilled()
        if prefill:
            self.values = {**self.values, **prefill}
            if self.may_create:
                save_draft(self.found.ref, self.values, 0)
        text = self.request.GET.get("page", "")
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else self.kept_page
        if text == "review" or number >= len(self.pages):
            return self.review()
        return self.page(number)

    def _prefilled(self) -> dict[str, Any]:
        text = self.request.GET.get("formData", "")
        if not text:
            return {}
        try:
            found = orjson.loads(text) if len(text) < PREFILL else None
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            toast(
                self.request, _("The link was to fill in the form, but what it carries is no JSON object."), "warning"
            )
            return {}
        return found

    def page(self, number: int, mistakes: list[Mistake] | None = None, *, status: int = 200) -> HttpResponse:
        """Answer a page of questions."""
        fields = self.fields(number, mistakes or [])
        context = {
            **self.frame(number),
            "fields": fields,
            "shape": shape_of(fields),
            "wrong": [item for item in object_fields(fields) if item.errors],
            "other": [m.message for m in mistakes or [] if not m.path],
        }
        return render(self.request, "scaffolder/form.html", context, status=status)

    def frame(self, number: int) -> dict[str, Any]:
        """Answer what every page of the form shows around its questions."""
        labels = self.found.template.defaults
        last = number >= len(self.pages) - 1
        return {
            "found": self.found,
            "template": self.found.template,
            "view": self.found.view,
            "pages": [(n, page.title, n == number, n < number) for n, page in enumerate(self.pages)],
            "number": number,
            "page": self.pages[number] if number < len(self.pages) else None,
            "review": number >= len(self.pages),
            "may_create": self.may_create,
            "back_text": labels.get("backButtonText") or _("Back"),
            "next_text": (labels.get("reviewButtonText") or _("Review")) if last else _("Next"),
            "create_text": labels.get("createButtonText") or _("Create"),
            "address": self.address,
            "entity": self.entity,
            "drafted": not self.fresh and self.request.method == "GET",
        }

    def fields(self, number: int, mistakes: list[Mistake]) -> list[Field]:
        """Answer the fields of a page, field extensions ready to be shown."""
        page = self.pages[number]
        values = with_defaults(page.schema, self.values, page.schema)
        found = build_fields(page.schema, values, asking(page, mistakes))
        extensions.extend(found, self.hosts)
        return found

    # --- Taking -----------------------------------------------------------------------

    def sent(self) -> HttpResponse:
        """Take what was sent and go where the button leads."""
        number = self._sent_page()
        operation = self.request.POST.get("op", "next")[:1000]
        if operation == "drop":
            if self.may_create:
                drop_draft(self.found.ref)
            return HttpResponseRedirect(self.address)
        if number >= len(self.pages):
            return self.create() if operation == "create" else self.go(len(self.pages) - 1)
        self.values = self.answers(number)
        if operation.partition(":")[0] in {"add", "remove", "up", "down"}:
            self.values = change_list(self.values, operation)
            return self._kept(number) or self.page(number)
        if operation == "back":
            return self._kept(number - 1) or self.go(number - 1)
        if operation == "shape":
            return self._kept(number) or self.page(number)
        mistakes = self.mistakes(number)
        if mistakes:
            self._keep(number)
            return self.page(number, mistakes, status=422)
        return self._kept(number + 1) or self.go(number + 1)

    def _sent_page(self) -> int:
        text = self.request.POST.get("page", "0")
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
        return min(number, len(self.pages))

    def answers(self, number: int) -> dict[str, Any]:
        """Answer all answers, those of this page as they were sent."""
        page = self.pages[number]
        questions = asking(page)
        own = _names(page.schema, self.values)
        before = {key: value for key, value in self.values.items() if key in own}
        rest = {key: value for key, value in self.values.items() if key not in own}
        sent = Sent(dict(self.request.POST.lists()))
        given = read_answers(page.schema, sent, with_defaults(page.schema, before, page.schema), questions)
        return {**rest, **given}

    def mistakes(self, number: int) -> list[Mistake]:
        """Answer what is wrong with the answers of a page."""
        page = self.pages[number]
        secret = {key for _field, key in secrets_of(page.schema, self.values, page.schema)}
        found = [m for m in check(page.schema, self.values) if not (m.path and m.path[-1] in secret)]
        fields = build_fields(page.schema, self.values, asking(page))
        for name, message in extensions.wrong_values(fields, self.hosts).items():
            found.append(Mistake(tuple(name.split("/")[1:]), message))
        return found

    def _keep(self, number: int) -> None:
        if self.may_create:
            save_draft(self.found.ref, self.values, max(0, number))

    def _kept(self, number: int) -> HttpResponse | None:
        self._keep(number)
        return None

    def go(self, number: int) -> HttpResponse:
        """Go to a page, by an address that can be reloaded."""
        where = "review" if number >= len(self.pages) else max(0, number)
        more = f"&entity={self.entity}" if self.entity else ""
        return HttpResponseRedirect(f"{self.address}?page={where}{more}")

    # --- The end ----------------------------------------------------------------------

    def review(self, error: str = "", *, status: int = 200) -> HttpResponse:
        """Show all answers once more, and ask for what is secret."""
        rows, problems = [], []
        for number, page in enumerate(self.pages):
            values = with_defaults(page.schema, self.values, page.schema)
            fields = build_fields(page.schema, values, asking(page))
            rows.append((number, page.title, [row for item in fields for row in _reviewed(item)]))
            if self.mistakes(number):
                problems.append((number, page.title))
        secrets = self.secret_questions()
        context = {
            **self.frame(len(self.pages)),
            "rows": rows,
            "problems": problems,
            "secrets": secrets,
            "error": error,
            "steps": self.found.template.steps,
        }
        return render(self.request, "scaffolder/review.html", context, status=status)

    def secret_questions(self) -> list[tuple[str, str, str, bool]]:
        """Answer what is secret: name, title, help, and whether it is needed."""
        found: dict[str, tuple[str, str, str, bool]] = {}
        schema = self.found.template.secrets_schema or {}
        needed = schema.get("required") or []
        for key, part in (schema.get("properties") or {}).items():
            title = str(part.get("title") or key) if isinstance(part, Mapping) else key
            text = str(part.get("description") or "") if isinstance(part, Mapping) else ""
            found[key] = (key, title, text, key in needed)
        for page in self.pages:
            required = page.schema.get("required")
            for _name, key in secrets_of(page.schema, self.values, page.schema):
                part = (page.schema.get("properties") or {}).get(key) or {}
                wanted = isinstance(required, list) and key in required
                found[key] = (key, str(part.get("title") or key), str(part.get("description") or ""), wanted)
        return list(found.values())

    def create(self) -> HttpResponse:
        """Start the task."""
        secrets = {
            key: self.request.POST[f"s/{key}"][:100_000]
            for key, _title, _text, _needed in self.secret_questions()
            if self.request.POST.get(f"s/{key}")
        }
        missing = [title for key, title, _text, needed in self.secret_questions() if needed and key not in secrets]
        if missing:
            return self.review(_("Fill in %(names)s.") % {"names": ", ".join(missing)}, status=422)
        values: dict[str, Any] = dict(self.values)
        for page in self.pages:
            values = with_defaults(page.schema, values, page.schema)
        dry = self.request.POST.get("dry") == "1"
        try:
            task = create_task(self.found.ref, values, secrets, dry_run=dry, entity_ref=self.entity)
        except WrongAnswersError as error:
            return self.page(error.pages[0], error.mistakes, status=422)
        if not dry:
            drop_draft(self.found.ref)
        return HttpResponseRedirect(reverse("create-task", args=[task.pk]))


def _names(schema: Mapping[str, Any], values: Mapping[str, Any]) -> set[str]:
    from callboard.plugins.scaffolder.types.schema import resolve  # noqa: PLC0415 - used here alone

    return set(resolve(schema, values, schema).get("properties") or {}) | set(schema.get("properties") or {})


def shape_of(fields: list[Field]) -> str:
    """Answer which questions a form has, to tell whether an answer has changed that."""
    return "|".join(f"{item.name}:{item.widget}:{item.extension}" for item in object_fields(fields))


def _reviewed(item: Field, title: str = "") -> list[tuple[str, str]]:
    """Answer the rows of a field on the review: hidden ones are left out, secret ones masked."""
    review = item.schema.get("ui:backstage")
    review = review.get("review") if isinstance(review, Mapping) else None
    settings = review if isinstance(review, Mapping) else {}
    if settings.get("show") is False or item.widget == "hidden" or item.extension == "Secret":
        return []
    name = str(settings.get("name") or (f"{title} › {item.title}" if title else item.title))
    if item.children:
        return [row for child in item.children for row in _reviewed(child, name)]
    if item.value is None:
        return [(name, "")]
    if settings.get("mask"):
        return [(name, str(settings["mask"]))]
    if item.widget == "password" or ui(item.schema, "widget") == "password":
        return [(name, "••••••")]
    chosen = [label for _value, label, on in item.choices if on]
    if chosen:
        return [(name, ", ".join(chosen))]
    if isinstance(item.value, list):
        return [(name, ", ".join(map(str, item.value)))]
    return [(name, item.text)]


@require_POST
def template_check(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Answer what a changed answer changes: other questions, or what is wrong with what is filled in."""
    wizard = Wizard(request, _found(namespace, name))
    number = wizard._sent_page()  # noqa: SLF001 - the same page, asked for a part
    if number >= len(wizard.pages):
        return HttpResponse(status=204)
    wizard.values = wizard.answers(number)
    wizard._keep(number)  # noqa: SLF001
    mistakes = [m for m in wizard.mistakes(number) if m.keyword != "required" and m.path]
    fields = wizard.fields(number, mistakes)
    shape = shape_of(fields)
    context = {**wizard.frame(number), "fields": fields, "shape": shape, "all": object_fields(fields)}
    changed = request.POST.get("shape", "") != shape
    return render(request, "scaffolder/_questions.html" if changed else "scaffolder/_errors.html", context)


@require_safe
def pick(request: HttpRequest) -> HttpResponse:
    """Answer what a picker offers for what was typed."""
    text = next((value for key, value in request.GET.items() if key.startswith("f/")), "")
    text = text.replace("\0", "").strip()[:200]
    if request.GET.get("tags"):
        kinds = [kind for kind in request.GET.get("kinds", "").split(",") if kind][:20]
        found = [(tag, str(count)) for tag, count in tags_like(kinds, text)]
    else:
        found = extensions.suggestions(
            request.GET.get("filter", "")[:5000], request.GET.get("as", "")[:500], request.GET.get("of", "")[:50], text
        )
    return render(request, "scaffolder/_options.html", {"options": found})
