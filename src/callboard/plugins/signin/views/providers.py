"""Administration of sign-in: providers, their test, who was refused, programs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from callboard.plugins.signin import selectors
from callboard.plugins.signin.services import entering as entering_services
from callboard.plugins.signin.services import flow, programs, providers
from callboard.plugins.signin.services.letting_in import proxy_in_front
from callboard.plugins.signin.settings import NEEDED, ProviderSettings
from callboard.plugins.signin.types import (
    SECRET_FIELDS,
    TYPES,
    Provider,
    ProviderFailedError,
    ProviderType,
    SigninError,
)
from callboard.plugins.signin.views import entering
from callboard.sdk.auth import client_ip, issuer
from callboard.sdk.config import portal_config
from callboard.sdk.permissions import require
from callboard.sdk.ui import offset_page, render, toast

MANAGE = "admin.signin.manage"
ROWS = 2
WAYS = {
    "email": gettext_lazy("mail address in the profile"),
    "email-local-part": gettext_lazy("part before the @ is the name"),
    "name": gettext_lazy("claim is the name"),
    "annotation": gettext_lazy("claim is an annotation's value"),
    "ref": gettext_lazy("claim is the reference"),
}
LISTS = ("scopes", "domains")
SWITCHES = ("trust_email", "start_tls")


@require_GET
def provider_list(request: HttpRequest) -> HttpResponse:
    """Show how people get in, and who did not lately."""
    require(MANAGE)
    refused = selectors.refused_lately()
    rows = [
        {"provider": p, "callback": selectors.callback_url(p.id), "refused": refused.get(p.id, 0)}
        for p in selectors.providers(enabled_only=False)
    ]
    context = {
        "rows": rows,
        "broken": selectors.broken_rows(),
        "passwords": selectors.signin_settings().password,
        "types": TYPES.values(),
        "programs": selectors.programs()[:50],
        "scim": selectors.scim_counts(),
        "scim_url": f"{issuer().removesuffix('/api/auth')}/api/scim/v2",
    }
    return render(request, "signin/providers.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters(*SECRET_FIELDS)
def provider_new(request: HttpRequest, type_name: str) -> HttpResponse:
    """Set up a provider of a type."""
    require(MANAGE)
    kind = TYPES.get(type_name)
    if kind is None:
        raise Http404
    return _form(request, kind, None)


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters(*SECRET_FIELDS)
def provider_detail(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Show a provider, and change it where it was made in the UI."""
    require(MANAGE)
    provider = selectors.provider_of(provider_id, enabled_only=False)
    if provider is None:
        raise Http404
    return _form(request, provider.type, provider)


@require_POST
def provider_action(request: HttpRequest, provider_id: str, action: str) -> HttpResponse:
    """Switch a provider on or off, or remove it."""
    try:
        if action in {"enable", "disable"}:
            providers.switch_provider(provider_id, enabled=action == "enable")
            toast(request, _("Switched on.") if action == "enable" else _("Switched off."))
        elif action == "remove":
            providers.remove_provider(provider_id)
            toast(request, _("The provider is removed."))
            return redirect("signin-providers")
        else:
            raise Http404
    except SigninError as error:
        toast(request, str(error), "danger")
    return redirect("signin-provider", provider_id=provider_id)


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters("password")
def provider_test(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Try a provider out as oneself: everything happens but the sign-in."""
    require(MANAGE)
    provider = selectors.provider_of(provider_id, enabled_only=False)
    if provider is None:
        raise Http404
    address = client_ip(request)
    try:
        if provider.kind == "proxy":
            return _test_proxy(request, provider, address)
        if provider.kind == "ldap":
            return _test_directory(request, provider, address)
    except ProviderFailedError as error:
        outcome = entering_services.note_failure(provider.id, "provider-failed", str(error), address, test=True)
        return redirect("signin-outcome", outcome_id=outcome.pk)
    return flow.start(request, provider_id, test=True)


def _test_proxy(request: HttpRequest, provider: Provider, address: str) -> HttpResponse:
    from callboard.plugins.signin.clients.proxies import vouched_by_proxy  # noqa: PLC0415 - beside its use

    peer = request.META.get("REMOTE_ADDR", "")
    if proxy_in_front(request.headers, peer) is None:
        trusted = ", ".join(portal_config().server.trusted_proxies) or "none"
        raise ProviderFailedError(
            f"this request came from {peer} with{'' if provider.type.header in request.headers else 'out'} the header "
            f"{provider.type.header}; addresses that are believed (server.trusted_proxies): {trusted}"
        )
    who = vouched_by_proxy(provider, request.headers, selectors.allowed_hosts())
    return redirect("signin-outcome", outcome_id=entering_services.try_out(provider, who, address).pk)


def _test_directory(request: HttpRequest, provider: Provider, address: str) -> HttpResponse:
    from callboard.plugins.signin.clients.directory import probe_directory, vouched_by_password  # noqa: PLC0415 - loads ldap3

    if request.method != "POST":
        found = probe_directory(provider, selectors.allowed_hosts())
        return render(request, "signin/test_directory.html", {"provider": provider, "found": found})
    username, password = request.POST.get("username", ""), request.POST.get("password", "")
    who = vouched_by_password(provider, username, password, selectors.allowed_hosts())
    if who is None:
        raise ProviderFailedError("the directory knows no such person, or the password is wrong")
    return redirect("signin-outcome", outcome_id=entering_services.try_out(provider, who, address).pk)


@require_GET
def outcome_list(request: HttpRequest) -> HttpResponse:
    """List sign-ins that were refused or tried."""
    require(MANAGE)
    text, provider = request.GET.get("text", "")[:200], request.GET.get("provider", "")[:40]
    page = offset_page(request, selectors.outcomes(text, provider))
    return render(request, "signin/outcomes.html", {"page": page, "text": text, "provider": provider})


@require_GET
@never_cache
def outcome_detail(request: HttpRequest, outcome_id: UUID) -> HttpResponse:
    """Show everything there is about a refused or tried sign-in."""
    require(MANAGE)
    outcome = selectors.outcome_of(outcome_id)
    if outcome is None:
        raise Http404
    context = {
        "outcome": outcome,
        "provider": selectors.provider_of(outcome.provider, enabled_only=False),
        "sentence": entering.EXPLAINED.get(outcome.reason, ""),
        "claims": sorted(outcome.details.get("claims", {}).items()),
        "remedy": REMEDIES.get(outcome.reason, ""),
    }
    return render(request, "signin/outcome.html", context)


@require_POST
def program_remove(request: HttpRequest) -> HttpResponse:
    """Remove a program that signs people in with the portal."""
    programs.remove_program(request.POST.get("client_id", ""))
    toast(request, _("The program is removed."))
    return redirect("signin-providers")


REMEDIES = {
    "domain": gettext_lazy("Add the domain to the provider's list, if people of it belong here."),
    "email-unconfirmed": gettext_lazy(
        "Let the provider send `email_verified`, or say that its addresses can be taken as confirmed."
    ),
    "unknown": gettext_lazy(
        "Add a User entity that matches, change the resolvers, or let unknown people get an account."
    ),
    "ambiguous": gettext_lazy(
        "Give the people in the catalog different addresses, or let another resolver come first."
    ),
    "conflict": gettext_lazy("Another identity is linked to the account of this entity. Unlink one of the two."),
    "inactive": gettext_lazy("Switch the account on under Accounts, if the person belongs here."),
    "provider-failed": gettext_lazy(
        "Check the provider's settings and whether the portal reaches it; then test it again."
    ),
    "provider-refused": gettext_lazy("Look into the log of the provider: it refused the person or the portal."),
    "proxy": gettext_lazy("Check audience, issuer and keys of the proxy, and server.trusted_proxies."),
}


# --- The form ---------------------------------------------------------------------------------


def _form(request: HttpRequest, kind: ProviderType, provider: Provider | None) -> HttpResponse:
    values: dict[str, Any] = {"type": kind.name, "title": kind.title, "id": kind.name}
    if provider is not None:
        values = _values(provider)
    errors: dict[str, str] = {}
    if request.method == "POST" and not (provider and provider.configured):
        values = _posted(request, kind) | {"id": provider.id if provider else request.POST.get("id", "").strip()}
        try:
            given = {name: value for name, value in values.items() if name != "id"}
            providers.save_provider(values["id"], given, new=provider is None)
        except SigninError as error:
            errors = {error.field or "form": str(error)}
        else:
            toast(request, _("Saved. Test it before you tell people."))
            return redirect("signin-provider", provider_id=values["id"])
    identity = provider.id if provider else str(values.get("id") or kind.name)
    rules = [dict(rule) for rule in values.get("resolvers") or []]
    context = {
        "kind": kind,
        "provider": provider,
        "values": values,
        "errors": errors,
        "fields": [_field(name, kind, values, errors, provider) for name in kind.fields],
        "usual": [str(WAYS[rule.by]) for rule in kind.resolvers],
        "rules": [*rules, *({} for _n in range(max(1, ROWS - len(rules))))],
        "ways": WAYS.items(),
        "callback": selectors.callback_url(identity),
        "metadata": selectors.metadata_url(identity) if kind.kind == "saml" else "",
        "insecure": kind.kind != "ldap" and urlsplit(str(values.get("issuer") or "")).scheme == "http",
        "no_base_url": not portal_config().server.base_url,
        "no_proxies": kind.kind == "proxy" and not portal_config().server.trusted_proxies,
    }
    return render(request, "signin/provider.html", context, status=422 if errors else 200)


def _values(provider: Provider) -> dict[str, Any]:
    return provider.settings.model_dump(mode="json", exclude=set(SECRET_FIELDS)) | {"id": provider.id}


def _posted(request: HttpRequest, kind: ProviderType) -> dict[str, Any]:
    values: dict[str, Any] = {"type": kind.name}
    for name in ("title", "unknown", "groups_claim", *kind.fields, *LISTS, *SWITCHES):
        if name in LISTS:
            values[name] = request.POST.get(name, "").replace(",", " ").split()
        elif name in SWITCHES:
            values[name] = bool(request.POST.get(name))
        else:
            values[name] = request.POST.get(name, "").strip()
    columns = zip(
        request.POST.getlist("rule_by"),
        request.POST.getlist("rule_claim"),
        request.POST.getlist("rule_annotation"),
        strict=False,
    )
    values["resolvers"] = [
        {k: v for k, v in (("by", by), ("claim", claim.strip()), ("annotation", note.strip())) if v}
        for by, claim, note in columns
        if by
    ]
    return values


def _field(
    name: str, kind: ProviderType, values: dict[str, Any], errors: dict[str, str], provider: Provider | None
) -> dict[str, Any]:
    info = ProviderSettings.model_fields[name]
    value = values.get(name)
    secret = name in SECRET_FIELDS
    stored = secret and provider is not None and bool(getattr(provider.settings, name))
    return {
        "name": name,
        "label": LABELS[name],
        "type": "password"
        if secret
        else "checkbox"
        if name in SWITCHES
        else "textarea"
        if name == "certificate"
        else "text",
        "value": "" if secret else " ".join(value) if isinstance(value, list) else value or "",
        "checked": value is True,
        "required": name in NEEDED[kind.name] and not stored,
        "help": _("Stored. Leave it empty to keep it.") if stored else kind.hint if name == "issuer" else "",
        "error": errors.get(name, ""),
        "description": info.description or "",
    }


LABELS = {
    "issuer": gettext_lazy("Issuer"),
    "client_id": gettext_lazy("Client ID"),
    "client_secret": gettext_lazy("Client secret"),
    "scopes": gettext_lazy("Scopes"),
    "url": gettext_lazy("Address"),
    "entity_id": gettext_lazy("Entity ID of the identity provider"),
    "sso_url": gettext_lazy("Sign-in address of the identity provider"),
    "certificate": gettext_lazy("Certificate of the identity provider"),
    "start_tls": gettext_lazy("Encrypt with StartTLS"),
    "bind_dn": gettext_lazy("Searcher (DN)"),
    "bind_password": gettext_lazy("Password of the searcher"),
    "user_base": gettext_lazy("Where people are (DN)"),
    "user_filter": gettext_lazy("Filter that finds a person"),
    "group_base": gettext_lazy("Where groups are (DN)"),
    "group_filter": gettext_lazy("Filter that finds a person's groups"),
    "audience": gettext_lazy("Audience"),
    "region": gettext_lazy("AWS region"),
    "signer": gettext_lazy("ARN of the load balancer"),
    "keys_url": gettext_lazy("Address of the keys"),
}
