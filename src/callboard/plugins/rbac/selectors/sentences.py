"""Say decisions and conditions in words that whoever leads a team understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from callboard.plugins.rbac.types.document import CURRENT_USER, OWNER_REFS, Match, Member, Statement
from callboard.sdk.contributions import Permission, ResourceType, Rule
from callboard.sdk.plugins import contribution, registry


def statement_sentence(statement: Statement) -> str:
    """Answer a decision as a sentence: "May see entities, if they or their teams own it"."""
    what = match_words(statement.match)
    text = _("May %(what)s") if statement.effect == "allow" else _("May not %(what)s")
    said = text % {"what": what}
    if statement.condition is None:
        return said
    return _("%(said)s, if %(condition)s") % {"said": said, "condition": condition_words(statement.condition)}


def match_words(match: Match) -> str:
    """Answer which permissions are meant, as what somebody does."""
    if match.everything:
        return _("do everything")
    if match.name and match == Match(name=match.name):
        return permission_words(match.name)
    verbs = {"read": _("see"), "create": _("create"), "update": _("change"), "delete": _("remove")}
    doing = _or([verbs[action] for action in match.actions if action in verbs]) or _("do anything with")
    things = [resource_words(item) for item in match.resource_types]
    of = [plugin_title(name) for name in match.plugins]
    parts = [doing, _or(things) if things else _("everything")]
    if match.name:
        parts.append(_("under %(name)s") % {"name": match.name})
    if of:
        parts.append(_("of %(plugins)s") % {"plugins": _or(of)})
    if match.administrative is True:
        parts = [*([] if not match.actions else [doing]), _("use administration")]
    elif match.administrative is False:
        parts.append(_("but administration"))
    if match.harmless:
        parts = [_("do what is harmless")]
    return " ".join(parts)


def permission_words(name: str) -> str:
    """Answer what a permission lets somebody do."""
    if name.endswith(".*"):
        return _("do everything of %(name)s") % {"name": name.removesuffix(".*")}
    permission = contribution(Permission, name)
    title = _(permission.title) if permission and permission.title else name
    return title[:1].lower() + title[1:] if " " in title else title


def resource_words(resource_type: str) -> str:
    """Answer what a type of resource is called."""
    if resource_type == "catalog-entity":
        return _("entities")
    found = contribution(ResourceType, resource_type)
    return _(found.title).lower() if found and found.title else resource_type


def plugin_title(name: str) -> str:
    """Answer what a plugin is called."""
    return next((p.plugin.manifest.title for p in registry.plugins() if p.plugin.name == name), name)


def condition_words(condition: Mapping[str, Any], *, inner: bool = False) -> str:
    """Answer a condition in words."""
    if "rule" in condition:
        return rule_words(condition["rule"], condition.get("params") or {})
    if "not" in condition:
        return _("it is not so that %(condition)s") % {"condition": condition_words(condition["not"], inner=True)}
    parts = condition.get("allOf") or condition.get("anyOf") or []
    word = _(" and ") if "allOf" in condition else _(" or ")
    said = word.join(condition_words(part, inner=True) for part in parts)
    return f"({said})" if inner and len(parts) > 1 else said


def rule_words(rule_id: str, params: Mapping[str, Any]) -> str:
    """Answer one rule in words."""
    known = _KNOWN.get(rule_id)
    if known is not None:
        try:
            return known(params)
        except (KeyError, TypeError):
            return rule_id
    rule = contribution(Rule, rule_id)
    if rule is None:
        return rule_id
    try:
        return rule.reason(params)
    except Exception:  # noqa: BLE001 - a sentence must never fail because of the parameters of a plugin's rule
        return rule.title or rule_id


def member_words(member: Member, names: Mapping[str, str] | None = None) -> str:
    """Answer who a member is."""
    crowds = {
        "everyone": _("Everybody who is signed in"),
        "people": _("Everybody with an account"),
        "guests": _("Guests"),
        "services": _("All programs (API tokens)"),
        "administrators": _("Administrators"),
    }
    if member.type in crowds:
        return crowds[member.type]
    name = (names or {}).get(member.ref) or member.ref.rpartition("/")[2] or member.ref
    words = {
        "user": "%(name)s",
        "group": _("Team %(name)s"),
        "service": _("Program %(name)s"),
        "namespace": _("Everybody in the namespace %(name)s"),
        "idp-group": _("Group %(name)s of the identity provider"),
    }
    return words.get(member.type, "%(name)s") % {"name": name}


def _or(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + _(" or ") + words[-1]


def _who(claims: Sequence[str]) -> str:
    words = {OWNER_REFS: _("they or their teams"), CURRENT_USER: _("they themselves")}
    return _or([words.get(claim, claim) for claim in claims])


def _owner(params: Mapping[str, Any]) -> str:
    claims = params["claims"]
    claims = [claims] if isinstance(claims, str) else claims
    return _("%(who)s own it") % {"who": _who(claims)}


def _kind(params: Mapping[str, Any]) -> str:
    return _("its kind is %(kinds)s") % {"kinds": _or([str(kind) for kind in params["kinds"]])}


def _has(what: str, key: str) -> Any:
    def words(params: Mapping[str, Any]) -> str:
        if params.get("value") is None:
            return _("it has the %(what)s %(key)s") % {"what": _(what), "key": params[key]}
        return _("its %(what)s %(key)s is %(value)s") % {"what": _(what), "key": params[key], "value": params["value"]}

    return words


_KNOWN = {
    "IS_ENTITY_OWNER": _owner,
    "IS_ENTITY_KIND": _kind,
    "HAS_ANNOTATION": _has("annotation", "annotation"),
    "HAS_LABEL": _has("label", "label"),
    "HAS_METADATA": _has("metadata", "key"),
    "HAS_SPEC": _has("spec", "key"),
}
