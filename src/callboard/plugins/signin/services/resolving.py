"""Find out who somebody is to the portal: the resolvers of a provider, one after the other."""

from __future__ import annotations

from collections.abc import Callable

from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.catalog.public import user_email, user_refs_with
from callboard.plugins.signin.settings import ResolverRule
from callboard.plugins.signin.types import Provider, Resolution, Step, Vouched

USUAL_CLAIM = {"name": "username", "email": "email", "email-local-part": "email"}


def resolve(provider: Provider, who: Vouched) -> Resolution:
    """Answer who the person is, or why nobody; every step is told."""
    given = provider.settings
    confirmed = bool(who.email) and (who.email_verified or given.trust_email)
    if given.domains:
        domain = who.email.rpartition("@")[2]
        if not confirmed:
            return Resolution(reason="email-unconfirmed", steps=(_domain_step(given.domains, who, "not confirmed"),))
        if domain not in given.domains:
            return Resolution(reason="domain", steps=(_domain_step(given.domains, who, "not in the list"),))
    steps: list[Step] = []
    for rule in provider.resolvers:
        step = _WAYS[rule.by](rule, who, confirmed)
        steps.append(step)
        if step.found:
            return Resolution(entity_ref=step.found, steps=tuple(steps))
    if given.unknown == "create":
        return Resolution(create=True, steps=tuple(steps))
    ambiguous = any(step.result == "more than one" for step in steps)
    unconfirmed = all(step.result == "address not confirmed" for step in steps)
    reason = "ambiguous" if ambiguous else "email-unconfirmed" if unconfirmed else "unknown"
    return Resolution(reason=reason, steps=tuple(steps))


def _domain_step(domains: list[str], who: Vouched, result: str) -> Step:
    return Step(f"domains: {', '.join(domains)}"[:300], who.email or "no address", result)


def _claim(rule: ResolverRule, who: Vouched) -> str:
    name = rule.claim or USUAL_CLAIM.get(rule.by, "")
    if name == "email":
        return who.email
    if name == "username" and who.username:
        return who.username
    value = who.claims.get(name)
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _by_email(_rule: ResolverRule, who: Vouched, confirmed: bool) -> Step:
    looked_for = f"spec.profile.email = {who.email}"
    if not confirmed:
        return Step("email", looked_for, "address not confirmed" if who.email else "no address")
    return _only("email", looked_for, user_refs_with("spec.profile.email", who.email))


def _by_local_part(_rule: ResolverRule, who: Vouched, confirmed: bool) -> Step:
    local = who.email.partition("@")[0]
    looked_for = f"metadata.name = {local}"
    if not confirmed:
        return Step("email-local-part", looked_for, "address not confirmed" if who.email else "no address")
    return _only("email-local-part", looked_for, _named(local))


def _by_name(rule: ResolverRule, who: Vouched, _confirmed: bool) -> Step:
    value = _claim(rule, who)
    label = f"name (claim {rule.claim or 'username'})"
    return _only(label, f"metadata.name = {value}", _named(value)) if value else Step(label, "", "claim is missing")


def _by_annotation(rule: ResolverRule, who: Vouched, _confirmed: bool) -> Step:
    value = _claim(rule, who)
    label = f"annotation (claim {rule.claim})"
    if not value:
        return Step(label, rule.annotation, "claim is missing")
    found = user_refs_with(f"metadata.annotations.{rule.annotation}", value)
    return _only(label, f"{rule.annotation} = {value}", found)


def _by_ref(rule: ResolverRule, who: Vouched, _confirmed: bool) -> Step:
    value = _claim(rule, who)
    label = f"ref (claim {rule.claim})"
    if not value:
        return Step(label, "", "claim is missing")
    try:
        ref = EntityRef.parse(value, default_kind="user")
    except RefError:
        return Step(label, value[:300], "is no reference")
    return _only(label, str(ref).lower(), _in_catalog(str(ref).lower()))


def _named(name: str) -> tuple[str, ...]:
    # Only people of the default namespace go by their bare name.
    try:
        return _in_catalog(str(EntityRef.parse(f"user:default/{name}")).lower())
    except RefError:
        return ()


def _in_catalog(ref: str) -> tuple[str, ...]:
    return (ref,) if ref.startswith("user:") and user_email(ref) is not None else ()


def _only(rule: str, looked_for: str, found: tuple[str, ...]) -> Step:
    if len(found) > 1:
        return Step(rule, looked_for, "more than one")
    return Step(rule, looked_for, "found" if found else "nobody", found[0] if found else "")


_WAYS: dict[str, Callable[[ResolverRule, Vouched, bool], Step]] = {
    "email": _by_email,
    "email-local-part": _by_local_part,
    "name": _by_name,
    "annotation": _by_annotation,
    "ref": _by_ref,
}
