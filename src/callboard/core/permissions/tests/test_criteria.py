from __future__ import annotations

import pytest
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callboard.core.auth.http_errors import InputError
from callboard.core.auth.models import User
from callboard.core.auth.principal import ANONYMOUS, Principal, act_as
from callboard.core.permissions.decision import AllOf, AnyOf, Not, NotAllowedError, RuleUse, allow, only_if
from callboard.core.permissions.policy import DefaultPolicy
from callboard.core.permissions.services import (
    allowed_filter,
    authorize,
    authorize_many,
    decide,
    require,
    to_query,
    use_policy,
)
from callboard.core.permissions.wire import criteria_from_wire, criteria_to_wire
from callboard.core.registry.contract import Permission, ResourceType, Rule
from callboard.core.registry.store import registry

pytestmark = pytest.mark.django_db
KIND = "test-account"
NAMES = ("ada", "bob", "eve", "joe")


def _rule(name, query):
    return Rule(id=name, resource_type=KIND, params_schema={}, query=query, reason=lambda params: name)


ADDED = [
    _rule("TEST_NAME_IN", lambda params: Q(username__in=params["names"])),
    _rule("TEST_IS_STAFF", lambda params: Q(is_staff=True)),
    ResourceType(id=KIND, queryset=User.objects.all, lookup=lambda ref: Q(username=ref)),
    Permission(id="test.account.update", action="update", resource_type=KIND),
    Permission(id="test.account.read", action="read", resource_type=KIND),
    Permission(id="test.thing.create", action="create"),
    Permission(id="admin.test.manage", action="read"),
]


@pytest.fixture(autouse=True)
def _contributed():
    for item in ADDED:
        registry._by_type.setdefault(type(item), []).append(("portal", item))
    yield
    for item in ADDED:
        registry._by_type[type(item)].remove(("portal", item))
    use_policy(DefaultPolicy())


@pytest.fixture
def accounts():
    return User.objects.bulk_create([User(username=name, is_staff=name in {"ada", "eve"}) for name in NAMES])


leaves = st.one_of(
    st.lists(st.sampled_from(NAMES), max_size=3).map(lambda names: RuleUse("TEST_NAME_IN", KIND, {"names": names})),
    st.just(RuleUse("TEST_IS_STAFF", KIND)),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda items: AllOf(tuple(items))),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: AnyOf(tuple(items))),
        inner.map(Not),
    ),
    max_leaves=8,
)


def _holds(criteria, name):
    if isinstance(criteria, AllOf):
        return all(_holds(item, name) for item in criteria.items)
    if isinstance(criteria, AnyOf):
        return any(_holds(item, name) for item in criteria.items)
    if isinstance(criteria, Not):
        return not _holds(criteria.item, name)
    if criteria.rule == "TEST_IS_STAFF":
        return name in {"ada", "eve"}
    return name in criteria.params["names"]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(criteria=trees)
def test_the_database_answers_what_logic_says(accounts, criteria):
    found = set(User.objects.filter(to_query(criteria)).values_list("username", flat=True))
    assert found == {name for name in NAMES if _holds(criteria, name)}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(criteria=trees)
def test_a_condition_survives_the_wire(criteria):
    assert criteria_from_wire(criteria_to_wire(criteria), KIND) == criteria


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"allOf": []},
        {"anyOf": {}},
        {"rule": "NO_SUCH"},
        {"rule": "TEST_IS_STAFF", "resourceType": "other"},
        {"rule": "TEST_IS_STAFF", "params": []},
        {"not": {"allOf": [{"rule": 3}]}},
    ],
)
def test_a_malformed_condition_names_the_place(value):
    with pytest.raises(InputError, match=r"^conditions"):
        criteria_from_wire(value, KIND)


def test_a_condition_without_end_is_refused():
    value = {"rule": "TEST_IS_STAFF"}
    for _ in range(50):
        value = {"not": value}
    with pytest.raises(InputError, match="too deep"):
        criteria_from_wire(value, KIND)


def test_an_unknown_rule_matches_nothing_and_its_negation_is_no_way_in(accounts):
    gone = RuleUse("GONE", KIND)
    assert not User.objects.filter(to_query(gone)).exists()
    assert not User.objects.filter(to_query(AnyOf((gone,)))).exists()
    assert not User.objects.filter(to_query(Not(gone))).exists()


class StaffOnly:
    def decide(self, permission, who):
        return (
            only_if(RuleUse("TEST_IS_STAFF", KIND), "staff is visible")
            if permission.resource_type == KIND
            else allow("")
        )


def test_a_condition_is_checked_against_the_resource(accounts):
    use_policy(StaffOnly())
    assert authorize("test.account.read", "ada", USER).allowed
    assert authorize("test.account.read", "bob", USER).result == "deny"
    assert authorize("test.account.read", "nobody", USER).result == "deny"
    assert authorize("test.account.read", who=USER).result == "conditional"
    assert authorize("test.account.read", "ada", ANONYMOUS).result == "deny"
    assert set(User.objects.filter(allowed_filter("test.account.read", USER))) == set(
        User.objects.filter(is_staff=True)
    )


def test_many_questions_are_answered_in_order_with_one_query_a_permission(accounts, django_assert_num_queries):
    use_policy(StaffOnly())
    questions = [("test.account.read", name) for name in (*NAMES, "nobody")] + [("test.thing.create", "")]
    registry.disabled()
    with django_assert_num_queries(5):  # this resource type names no field that holds the ref
        answers = authorize_many(questions, USER)
    assert [answer.allowed for answer in answers] == [True, False, True, False, False, True]


def test_a_rule_that_cannot_be_applied_matches_nothing_even_when_negated(accounts):
    broken = RuleUse("TEST_NAME_IN", KIND, {"other": 1})
    assert not User.objects.filter(to_query(broken)).exists()
    assert not User.objects.filter(to_query(Not(broken))).exists()


USER = Principal("user", "user:default/ada", "Ada", ("user:default/ada",))
GUEST = Principal("guest", "user:development/guest")
ADMIN = Principal("user", "user:default/root", administrator=True)


def _service(*scopes):
    return Principal("service", "service:ci", scopes=frozenset(scopes), administrator="admin" in scopes)


def _person(*scopes, administrator=False):
    return Principal("user", "user:default/ada", scopes=frozenset(scopes), administrator=administrator)


@pytest.mark.parametrize(
    ("permission", "who", "result"),
    [
        ("test.account.read", ANONYMOUS, "deny"),
        ("test.account.read", GUEST, "allow"),
        ("test.thing.create", GUEST, "deny"),
        ("test.account.update", GUEST, "deny"),
        ("test.account.read", USER, "allow"),
        ("test.thing.create", USER, "allow"),
        ("admin.test.manage", USER, "deny"),
        ("admin.test.manage", ADMIN, "allow"),
        ("no.such.permission", ADMIN, "deny"),
        ("test.account.read", _service("read"), "allow"),
        ("test.thing.create", _service("read"), "deny"),
        ("test.thing.create", _service("write"), "allow"),
        ("test.account.read", _service("write"), "allow"),
        ("test.thing.create", _service("test.thing.create"), "allow"),
        ("test.account.read", _service("test.thing.create"), "deny"),
        ("admin.test.manage", _service("write"), "deny"),
        ("admin.test.manage", _service("admin"), "allow"),
        ("admin.test.manage", _person("admin"), "deny"),
        ("admin.test.manage", _person("read", administrator=True), "deny"),
        ("admin.test.manage", _person("admin", administrator=True), "allow"),
        ("test.thing.create", _person("read", administrator=True), "deny"),
    ],
)
def test_the_default_policy(permission, who, result):
    decision = decide(permission, who)
    assert decision.result == result
    assert decision.reason


def test_requiring_raises_with_the_reason():
    with act_as(GUEST, "ui"), pytest.raises(NotAllowedError, match="guests may look") as caught:
        require("test.thing.create")
    assert caught.value.signed_in
    with act_as(ANONYMOUS, "ui"), pytest.raises(NotAllowedError) as caught:
        require("test.account.read")
    assert not caught.value.signed_in


def test_a_denied_list_is_empty(accounts):
    assert not User.objects.filter(allowed_filter("test.account.read", ANONYMOUS)).exists()
    assert allowed_filter("test.account.read", USER) is None
