"""Who may not see an entity does not find it either: the policy's condition is a part of the search."""

import pytest

from callboard.core.auth.principal import Principal, act_as
from callboard.core.permissions import services as permissions
from callboard.core.permissions.decision import AllOf, Not, RuleUse, allow, deny, only_if
from callboard.core.search import access, collating
from callboard.core.search.searching import search
from callboard.core.search.types import SearchRequest
from callboard.core.search.vocabulary import forget_vocabulary
from callboard.plugins.catalog.tests.engine import component, docs, group, register, write

pytestmark = pytest.mark.django_db

ANN = Principal("user", "user:default/ann", "Ann", ("user:default/ann", "group:default/apples"))


class Policy:
    def __init__(self, decision):
        self.decision = decision

    def decide(self, permission, who):
        return self.decision if permission.id == "catalog.entity.read" else allow("anything else")


@pytest.fixture
def under():
    before = permissions._policy[0]
    yield lambda decision: permissions.use_policy(Policy(decision))
    permissions.use_policy(before)


@pytest.fixture
def listed(tmp_path):
    register(write(tmp_path / "a.yaml", docs(component("violin"), component("viola"), group("violinists"))))
    for name in ("software-catalog", "api-definition"):
        collating.rebuild(name)


def found(text="viol", **more):
    forget_vocabulary()
    with act_as(ANN, "ui"):
        answer = search(SearchRequest(text, types=("software-catalog",), facets=True, mode="keyword", **more))
    kinds = sum(item.count for item in answer.facets.get("kind", ()))
    return sorted(hit.title for hit in answer.hits), answer.total, kinds


def rule(name, **params):
    return RuleUse(name, "catalog-entity", params)


def test_who_may_see_everything_finds_everything(under, listed):
    under(allow("yes"))
    assert found() == (["viola", "violin", "violinists"], 3, 3)


def test_who_may_see_nothing_finds_and_counts_nothing(under, listed):
    under(deny("no"))
    assert found() == ([], 0, 0)
    assert found("") == ([], 0, 0)


@pytest.mark.parametrize("text", ["viol", "violinists", "kind:group", ""])
def test_a_condition_holds_for_results_counts_and_facets(under, listed, text):
    under(only_if(rule("IS_ENTITY_KIND", kinds=["component"]), "components only"))
    titles, total, counted = found(text)
    assert "violinists" not in titles
    assert total == counted == len(titles)
    under(only_if(AllOf((Not(rule("IS_ENTITY_KIND", kinds=["component"])),)), "no components"))
    assert found() == (["violinists"], 1, 1)


def test_a_rule_that_nobody_knows_hides_everything(under, listed):
    under(only_if(Not(rule("NO_SUCH_RULE")), "whatever"))
    assert found() == ([], 0, 0)


def test_a_condition_is_asked_of_the_database_together_with_the_words(under, listed):
    under(only_if(rule("IS_ENTITY_KIND", kinds=["component"]), "components only"))
    with act_as(ANN, "ui"):
        sql, _ = access.access().condition()
    assert "EXISTS" in sql
    assert "cb_catalog_entity" in sql
