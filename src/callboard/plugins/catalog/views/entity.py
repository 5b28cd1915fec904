"""Show one entity: its overview, relations, definition, source and the tabs that plugins add."""

from __future__ import annotations

import orjson
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from callboard.lib.yaml12 import dump
from callboard.plugins.catalog.selectors.pages import entity as facts
from callboard.plugins.catalog.selectors.pages import history
from callboard.plugins.catalog.selectors.pages.impact import impact_of
from callboard.plugins.catalog.selectors.pages.names import named
from callboard.plugins.catalog.selectors.sets import freshness_of
from callboard.plugins.catalog.selectors.views import EntityView, entity_view
from callboard.plugins.catalog.views import frame
from callboard.plugins.catalog.views.missing import missing_entity
from callboard.plugins.catalog.views.people import group_context, user_context
from callboard.sdk.ui import render

_LANGUAGES = {
    "openapi": "yaml",
    "asyncapi": "yaml",
    "graphql": "graphql",
    "grpc": "protobuf",
    "trpc": "typescript",
}
_HIDDEN = ("backstage.io/managed-by-location", "backstage.io/managed-by-origin-location")


def _entity(namespace: str, kind: str, name: str) -> EntityView | None:
    return entity_view(f"{kind}:{namespace}/{name}")


@require_safe
def entity_overview(request: HttpRequest, namespace: str, kind: str, name: str) -> HttpResponse:
    """Show the overview."""
    entity = _entity(namespace, kind, name)
    if entity is None:
        return missing_entity(request, namespace, kind, name)
    groups, missing = facts.relation_groups(entity)
    kind_ = entity.kind.lower()
    context = frame.entity_frame(request, entity, "")
    context |= {
        "about": _about(entity),
        "links": _links(entity),
        "labels": sorted((entity.metadata.get("labels") or {}).items()),
        "annotations": sorted((k, v) for k, v in entity.annotations.items() if k not in _HIDDEN),
        "groups": groups,
        "missing": missing,
        "cards": frame.has_cards(request, entity),
        "graph": bool(groups),
        "fresh": freshness_of(entity.ref),
    }
    if kind_ == "group":
        context |= group_context(entity)
    elif kind_ == "user":
        context |= user_context(entity)
    return render(request, "catalog/entity.html", context)


def _about(entity: EntityView) -> dict[str, object]:
    refs = {word: entity.related(type_) for word, type_ in (("owners", "ownedBy"), ("parents", "partOf"))}
    names = named([ref for found in refs.values() for ref in found])
    spec = entity.spec
    targets = [spec["target"]] if isinstance(spec.get("target"), str) else []
    targets += [t for t in spec.get("targets") or () if isinstance(t, str)] if entity.kind == "Location" else []
    return {
        "owners": [names[ref] for ref in refs["owners"]],
        "parents": [names[ref] for ref in refs["parents"]],
        "targets": targets,
    }


def _links(entity: EntityView) -> list[dict[str, str]]:
    found = []
    for link in entity.metadata.get("links") or ():
        url = str(link.get("url", ""))
        # Anything else a link may name (javascript:, data:) is shown nowhere.
        if url.startswith(("https://", "http://", "mailto:")):
            found.append({"url": url, "title": str(link.get("title") or url), "type": str(link.get("type") or "")})
    return found


@require_safe
def entity_tab(request: HttpRequest, namespace: str, kind: str, name: str, slug: str) -> HttpResponse:
    """Show one of the entity's tabs, our own or a plugin's."""
    entity = _entity(namespace, kind, name)
    if entity is None:
        return missing_entity(request, namespace, kind, name)
    own = {"relations": _relations, "definition": _definition, "source": _source, "history": _history}
    if entity.kind.lower() in frame.USED_KINDS:
        own["used-by"] = _used_by
    if slug == "dependencies":
        return HttpResponsePermanentRedirect(reverse("entity-tab", args=[namespace, kind, name, "relations"]))
    if slug in own:
        return own[slug](request, entity)
    html = frame.contributed_tab(request, entity, slug)
    if html is None:
        raise Http404(_("%(name)s has no tab called %(slug)s.") % {"name": entity.label, "slug": slug})
    context = frame.entity_frame(request, entity, slug) | {"tab": html}
    return render(request, "catalog/entity_tab.html", context)


def _depth(request: HttpRequest) -> int:
    asked = request.GET.get("depth", "")
    return int(asked) if asked in {"1", "2", "3"} else 1


def _relations(request: HttpRequest, entity: EntityView) -> HttpResponse:
    groups, missing = facts.relation_groups(entity)
    context = frame.entity_frame(request, entity, "relations")
    context |= {"groups": groups, "missing": missing, "depth": _depth(request), "depths": (1, 2, 3)}
    return render(request, "catalog/entity_relations.html", context)


def _used_by(request: HttpRequest, entity: EntityView) -> HttpResponse:
    context = frame.entity_frame(request, entity, "used-by") | {"impact": impact_of(entity.ref)}
    return render(request, "catalog/entity_used_by.html", context)


@require_safe
def entity_graph(request: HttpRequest) -> JsonResponse:
    """Answer the graph around an entity as JSON, for the drawing."""
    ref = request.GET.get("ref", "").lower()
    if entity_view(ref) is None:
        raise Http404(_("There is no entity %(ref)s.") % {"ref": ref})
    graph = facts.graph_around(ref, _depth(request))
    return JsonResponse(graph.as_dict(facts.relation_titles()))


def _definition(request: HttpRequest, entity: EntityView) -> HttpResponse:
    text = entity.spec.get("definition")
    if not isinstance(text, str):
        raise Http404(_("%(name)s has no definition.") % {"name": entity.label})
    language = _LANGUAGES.get(entity.type.lower(), "")
    if language == "yaml" and text.lstrip().startswith("{"):
        language = "json"
    context = frame.entity_frame(request, entity, "definition") | {"definition": text, "language": language}
    context["lines"] = text.count("\n") + 1
    return render(request, "catalog/entity_definition.html", context)


def _source(request: HttpRequest, entity: EntityView) -> HttpResponse:
    form = request.GET.get("as", "yaml")
    form = form if form in {"yaml", "json"} else "yaml"
    if form == "json":
        text = orjson.dumps(entity.data, option=orjson.OPT_INDENT_2).decode()
    else:
        text = dump(history.declared(entity.data))
    source = facts.source_of(entity.ref)
    context = frame.entity_frame(request, entity, "source") | {
        "text": text,
        "form": form,
        "way": facts.way_in(entity.ref),
        "source": source,
        "fresh": freshness_of(entity.ref),
        "beside": facts.others_in(entity, source),
    }
    return render(request, "catalog/entity_source.html", context)


def _history(request: HttpRequest, entity: EntityView) -> HttpResponse:
    states = history.states_of(entity)
    newer = request.GET.get("to", states[0].key)
    older = request.GET.get("from", states[1].key if len(states) > 1 else "")
    before, after = history.content_of(entity, older), history.content_of(entity, newer)
    compared = before is not None and after is not None and older != newer
    context = frame.entity_frame(request, entity, "history") | {
        "states": states,
        "older": older,
        "newer": newer,
        "compared": compared,
        "changes": history.differences(before or {}, after or {}) if compared else [],
    }
    return render(request, "catalog/entity_history.html", context)
