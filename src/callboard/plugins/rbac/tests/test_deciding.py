"""How a policy decides: members, matches, the three resolutions, placeholders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callboard.plugins.rbac.selectors.active import decision_of
from callboard.plugins.rbac.tests.worlds import ADMINISTRATORS, OWN, kinds, person, role
from callboard.plugins.rbac.types.deciding import Compiled, filled, simplified
from callboard.plugins.rbac.types.reading import document_to_data, read_document
from callboard.plugins.rbac.types.ready import READY_ROLES, starting_policy, strict_policy
from callboard.sdk.auth import GUEST, Principal
from callboard.sdk.contributions import Permission
from callboard.sdk.permissions import DefaultPolicy
from callboard.sdk.plugins import contributions, registry

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, tzinfo=UTC)
READ = Permission(id="catalog.entity.read", action="read", resource_type="catalog-entity")


def compiled(*roles, resolution="first-match"):
    return Compiled(read_document({"name": "x", "resolution": resolution, "roles": list(roles)}))


def verdict(policy, who, permission=READ, plugin="catalog"):
    return policy.verdict(policy.roles_of(who, NOW), permission, plugin)


PEOPLE = [
    person("ada", "group:default/apples"),
    person("root", administrator=True),
    GUEST,
    Principal("service", "service:ci", "ci", ("service:ci",)),
    Principal("service", "service:boss", "boss", ("service:boss",), administrator=True),
]


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: who.ref)
def test_the_starting_policy_decides_as_the_portal_does_without_one(who):
    policy, default = Compiled(starting_policy()), DefaultPolicy()
    for permission in contributions(Permission):
        ours, theirs = decision_of(policy, permission, who, NOW), default.decide(permission, who)
        assert (ours.result, ours.criteria) == (theirs.result, theirs.criteria), permission.id


def test_ready_made_policies_and_roles_survive_being_written_and_read():
    for document in (starting_policy(), strict_policy()):
        assert read_document(document_to_data(document)) == document
    for item in READY_ROLES:
        assert item.decisions
        assert item.description


@pytest.mark.parametrize(
    ("member", "who", "inside"),
    [
        ("user:default/ada", person("ada"), True),
        ("User:Ada", person("ada"), True),
        ("user:default/ada", person("eve"), False),
        ("group:default/apples", person("ada", "group:default/apples"), True),
        ("group:default/apples", person("ada", "group:default/pears"), False),
        ("namespace:default", person("ada"), True),
        ("namespace:other", person("ada"), False),
        ("everyone", GUEST, True),
        ("people", GUEST, False),
        ("people", person("ada"), True),
        ("guests", GUEST, True),
        ("services", Principal("service", "service:ci"), True),
        ("service:CI", Principal("service", "service:ci"), True),
        ("service:other", Principal("service", "service:ci"), False),
        ("administrators", person("root", administrator=True), True),
        ("administrators", person("ada"), False),
        ("idp-group:okta:Admins", person("ada", idp_groups=["okta:Admins"]), True),
        ("idp-group:Admins", person("ada", idp_groups=["okta:Admins"]), True),
        ("idp-group:Admins", person("ada"), False),
    ],
)
def test_who_is_a_member(member, who, inside):
    policy = compiled(role("r", [member], {"allow": "all"}))
    assert bool(policy.roles_of(who, NOW)) is inside


def test_a_membership_ends_by_itself():
    until = NOW + timedelta(hours=1)
    policy = compiled(role("r", [{"ref": "user:default/ada", "until": until.isoformat()}], {"allow": "all"}))
    assert policy.roles_of(person("ada"), NOW)
    assert not policy.roles_of(person("ada"), until)


@pytest.mark.parametrize(
    ("what", "fits"),
    [
        ("catalog.entity.read", True),
        ("catalog.entity.create", False),
        ("catalog.*", True),
        ("catalogue.*", False),
        ("all", True),
        ({"action": ["read"]}, True),
        ({"action": ["update", "delete"]}, False),
        ({"resource": "catalog-entity"}, True),
        ({"plugin": ["catalog"], "action": "read"}, True),
        ({"plugin": ["techdocs"]}, False),
        ({"administrative": True}, False),
        ({"administrative": False, "harmless": False}, True),
        ({"name": "catalog.*", "action": "delete"}, False),
    ],
)
def test_what_a_decision_is_about(what, fits):
    policy = compiled(role("r", ["everyone"], {"allow": what}))
    assert (verdict(policy, person("ada")).result == "allow") is fits


YES, NO, SOME = {"allow": "all"}, {"deny": "all"}, {"allow": "all", "if": OWN}


@pytest.mark.parametrize(
    ("said", "first", "denying", "any_"),
    [
        ([YES], "allow", "allow", "allow"),
        ([NO], "deny", "deny", "deny"),
        ([], "deny", "deny", "deny"),
        ([YES, NO], "allow", "deny", "allow"),
        ([NO, YES], "deny", "deny", "allow"),
        ([SOME, YES], "conditional", "allow", "allow"),
        ([SOME, NO], "conditional", "deny", "conditional"),
        ([NO, SOME], "deny", "deny", "conditional"),
    ],
)
def test_how_roles_meet(said, first, denying, any_):
    roles = [role(f"r{n}", ["everyone"], item) for n, item in enumerate(said)]
    for resolution, wanted in (("first-match", first), ("deny-overrides", denying), ("any-allow", any_)):
        found = verdict(compiled(*roles, resolution=resolution), person("ada"))
        assert found.result == wanted, resolution
        assert found.reason
        assert sum(step.counts for step in found.steps) >= (1 if said else 0)


effects = st.lists(st.lists(st.sampled_from([YES, NO, SOME]), min_size=1, max_size=3), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(effects)
def test_any_allow_never_allows_less_than_deny_overrides(said):
    roles = [role(f"r{n}", ["everyone"], *items) for n, items in enumerate(said)]
    order = {"deny": 0, "conditional": 1, "allow": 2}
    strict = verdict(compiled(*roles, resolution="deny-overrides"), person("ada")).result
    loose = verdict(compiled(*roles, resolution="any-allow"), person("ada")).result
    assert order[loose] >= order[strict]


def test_placeholders_become_the_refs_of_whoever_asks():
    who = person("ada", "group:default/apples")
    condition = {"allOf": [OWN, {"not": {"rule": "X", "params": {"by": "$currentUser", "all": ["$currentUser", "z"]}}}]}
    assert filled(condition, who) == {
        "allOf": [
            {"rule": "IS_ENTITY_OWNER", "params": {"claims": ["user:default/ada", "group:default/apples"]}},
            {"not": {"rule": "X", "params": {"by": "user:default/ada", "all": ["user:default/ada", "z"]}}},
        ]
    }


def test_conditions_of_many_roles_become_one_short_filter():
    many = {"anyOf": [kinds("API"), {"anyOf": [kinds("Component"), OWN]}, kinds("API"), OWN]}
    assert simplified(many) == {"anyOf": [{"rule": "IS_ENTITY_KIND", "params": {"kinds": ["API", "Component"]}}, OWN]}


def test_every_ready_made_role_means_what_it_says():
    by_name = {item.name: item for item in READY_ROLES}
    asked = {name: registry.find(Permission, name) for name in (
        "catalog.entity.read", "catalog.entity.delete", "admin.audit.read", "admin.users.manage", "policy.entity.read", "rbac.policy.publish",
    )}  # fmt: skip
    wanted = {
        "viewer": ("allow", "deny", "deny", "deny", "deny", "deny"),
        "developer": ("allow", "conditional", "deny", "deny", "deny", "deny"),
        "owner": ("allow", "conditional", "deny", "deny", "deny", "deny"),
        "platform-engineer": ("allow", "allow", "deny", "deny", "deny", "deny"),
        "security": ("allow", "deny", "allow", "deny", "allow", "deny"),
        "auditor": ("allow", "deny", "allow", "deny", "allow", "deny"),
        "portal-administrator": ("allow",) * 6,
        "guest": ("allow", "deny", "deny", "deny", "deny", "deny"),
    }
    for name, results in wanted.items():
        policy = Compiled(starting_policy())
        found = tuple(policy.judge([by_name[name]], p, registry.owner_of(p)).result for p in asked.values())
        assert found == results, name


def test_a_question_asked_twice_is_judged_once():
    policy = compiled(ADMINISTRATORS, role("r", ["people"], {"allow": "all"}))
    first = verdict(policy, person("ada"))
    assert verdict(policy, person("ada")) is first
    assert verdict(policy, person("eve")) is first


@pytest.mark.parametrize("combination", product(["allow", "deny"], repeat=2))
def test_within_a_role_the_first_decision_that_fits_counts(combination):
    decisions = [{effect: "all"} for effect in combination]
    for resolution in ("first-match", "deny-overrides", "any-allow"):
        policy = compiled(role("r", ["everyone"], *decisions), resolution=resolution)
        assert verdict(policy, person("ada")).result == combination[0]
