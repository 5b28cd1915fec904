"""Policies as text: what is wrong is told with its place, what is right survives, comments stay."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callboard.lib.problems import ProblemError
from callboard.plugins.rbac.selectors.checking import cycle_of, errors_of, problems_of
from callboard.plugins.rbac.services.files import read_policy_file, write_policy
from callboard.plugins.rbac.tests.worlds import OWN, kinds, role
from callboard.plugins.rbac.types.community import read_community
from callboard.plugins.rbac.types.document import CROWDS
from callboard.plugins.rbac.types.reading import document_to_data, read_document
from callboard.sdk.auth import Listed

TEXT = """\
# Who may do what here.
name: Fruit Company
resolution: deny-overrides
roles:
  # The first to be asked.
  - name: administrators
    members: [administrators]
    decisions:
      - allow: all  # everything
  - name: apples
    title: "The Apples"
    owner: group:default/apples
    members:
      - group:default/apples
      - {ref: user:default/bob, until: 2026-12-31}
    decisions:
      - deny: {administrative: true}
      # Only their own.
      - allow: {action: [update, delete], resource: [catalog-entity]}
        if:
          rule: IS_ENTITY_OWNER
          params: {claims: [$ownerRefs]}
"""


def test_a_file_comes_out_as_it_went_in():
    assert write_policy(read_policy_file(TEXT), TEXT) == TEXT


def test_comments_stay_when_a_policy_is_changed():
    document = read_document(
        document_to_data(read_policy_file(TEXT))
        | {
            "name": "Fruit Inc.",
            "roles": [
                role("pears", ["everyone"], {"allow": "all"}),
                *document_to_data(read_policy_file(TEXT))["roles"],
            ],
        }
    )
    text = write_policy(document, TEXT)
    for comment in ("# Who may do what here.", "# The first to be asked.", "# everything", "# Only their own."):
        assert comment in text
    assert read_policy_file(text) == document


statements = st.one_of(
    st.sampled_from(["all", "catalog.*", "catalog.entity.read"]).map(lambda what: {"allow": what}),
    st.just({"deny": {"action": ["delete"], "plugin": ["catalog"]}}),
    st.sampled_from([OWN, kinds("API"), {"not": {"anyOf": [OWN, kinds("System")]}}]).map(
        lambda condition: {"allow": "catalog.entity.read", "if": condition}
    ),
)
members = st.one_of(
    st.sampled_from(CROWDS),
    st.sampled_from(
        [
            "user:default/ada",
            "group:x/y",
            "service:ci",
            "idp-group:okta:A b",
            {"ref": "user:default/bob", "until": "2027-01-01T00:00:00Z"},
        ]
    ),
)
names = st.from_regex(r"[a-z0-9]([a-z0-9._/:-]{0,20}[a-z0-9])?", fullmatch=True)
roles = st.lists(
    st.builds(lambda name, m, d: role(name, m, *d), names, st.lists(members, max_size=4), st.lists(statements, max_size=4)),
    max_size=5, unique_by=lambda item: item["name"],
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(roles, st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=30).map(str.strip))
def test_nothing_is_lost_between_policy_and_file(items, name):
    document = read_document({"name": name, "roles": items})
    assert read_policy_file(write_policy(document)) == document
    # A change keeps to the same form.
    other = read_document({"name": name, "roles": list(reversed(items))})
    assert read_policy_file(write_policy(other, write_policy(document))) == other


@pytest.mark.parametrize(
    ("data", "place", "said"),
    [
        ([], "", "not a policy"),
        ({"rules": []}, "rules", "means nothing"),
        ({"kind": "Component"}, "kind", "Component"),
        ({"resolution": "last"}, "resolution", "no resolution"),
        ({"roles": {}}, "roles", "not a list"),
        ({"roles": [{"members": []}]}, "roles[0].name", "no name"),
        ({"roles": [{"name": "A role!"}]}, "roles[0].name", "cannot be"),
        ({"roles": [{"name": "a"}, {"name": "a"}]}, "roles[1].name", "Two roles"),
        ({"roles": [{"name": "a", "members": ["robot:x"]}]}, "roles[0].members[0]", "no member"),
        ({"roles": [{"name": "a", "members": ["user:"]}]}, "roles[0].members[0]", "no entity reference"),
        ({"roles": [{"name": "a", "members": [{"ref": "people", "until": "soon"}]}]}, "roles[0].members[0].until", "no date"),
        ({"roles": [{"name": "a", "owner": "component:x"}]}, "roles[0].owner", "neither"),
        ({"roles": [{"name": "a", "decisions": [{}]}]}, "roles[0].decisions[0]", "allows or denies"),
        ({"roles": [{"name": "a", "decisions": [{"allow": "all", "deny": "all"}]}]}, "roles[0].decisions[0]", "allows or denies"),
        ({"roles": [{"name": "a", "decisions": [{"allow": {}}]}]}, "roles[0].decisions[0].allow", "nothing about"),
        ({"roles": [{"name": "a", "decisions": [{"allow": {"action": "use"}}]}]}, "roles[0].decisions[0].allow.action", "no action"),
        ({"roles": [{"name": "a", "decisions": [{"allow": {"harmless": "yes"}}]}]}, "roles[0].decisions[0].allow.harmless", "neither true"),
        ({"roles": [{"name": "a", "decisions": [{"deny": "all", "if": OWN}]}]}, "roles[0].decisions[0].if", "no condition"),
        ({"roles": [{"name": "a", "decisions": [{"allow": "all", "if": {"allOf": []}}]}]}, "roles[0].decisions[0].if.allOf", "empty"),
        ({"roles": [{"name": "a", "decisions": [{"allow": "all", "if": {"not": OWN, "rule": "X"}}]}]}, "roles[0].decisions[0].if", "one of"),
        ({"roles": [{"name": "a", "decisions": [{"allow": "../etc"}]}]}, "roles[0].decisions[0].allow", "no permission"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(data, place, said):
    with pytest.raises(ProblemError) as caught:
        read_document(data)
    problem = caught.value.problems[0]
    assert problem.place.path == place
    assert said in problem.message
    assert problem.remedy


def test_a_condition_without_end_is_refused():
    condition = OWN
    for _ in range(60):
        condition = {"not": condition}
    with pytest.raises(ProblemError, match="too deep"):
        read_document({"roles": [role("a", [], {"allow": "all", "if": condition})]})


def test_a_mistake_in_a_file_has_its_line():
    with pytest.raises(ProblemError) as caught:
        read_policy_file(TEXT.replace("action: [update, delete]", "action: [update, destroy]"), "policy.yaml")
    place = caught.value.problems[0].place
    assert (place.url, place.line) == ("policy.yaml", 19)


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({"allow": "catalog.entity.raed"}, "Did you mean 'catalog.entity.read'"),
        ({"allow": "nosuch.*"}, "No permission begins with"),
        ({"allow": "catalog.entity.read", "if": {"rule": "IS_ENTITY_KNID"}}, "Did you mean IS_ENTITY_KIND"),
        ({"allow": "catalog.entity.read", "if": {"rule": "IS_ENTITY_KIND"}}, "required"),
        ({"allow": "catalog.entity.read", "if": {"rule": "IS_ENTITY_KIND", "params": {"kinds": "API"}}}, "array"),
        ({"allow": "catalog.entity.create", "if": OWN}, "none of these permissions has one"),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_what_a_policy_names_must_be_there(decision, said):
    document = read_document({"roles": [role("a", ["people"], decision)]})
    assert said in " ".join(map(str, errors_of(document)))


@pytest.mark.django_db
def test_permissions_of_plugins_that_are_not_there_yet_are_kept_with_a_note():
    document = read_document({"roles": [role("a", ["people"], {"allow": "kubernetes.proxy"})]})
    assert errors_of(document) == []
    assert "No plugin that is installed" in problems_of(document)[0].message


def test_groups_in_a_cycle_are_found_and_told():
    groups = {
        name: Listed(name, name, groups=(parent,)) for name, parent in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))
    }
    assert cycle_of("a", groups) == ["a", "b", "c", "a"]
    assert cycle_of("d", groups) == []


@pytest.mark.django_db
def test_ten_thousand_roles_are_read_checked_and_written():
    data = {
        "roles": [
            role(f"r{n}", [f"group:default/g{n}"], {"allow": "catalog.entity.read", "if": kinds("API")})
            for n in range(10_000)
        ]
    }
    document = read_document(data)
    assert len(document.roles) == 10_000
    assert len(problems_of(document)) <= 500
    assert read_document(document_to_data(document)) == document
    with pytest.raises(ProblemError, match="at most"):
        read_document({"roles": [{"name": f"r{n}"} for n in range(20_001)]})


CSV = """\
p, role:default/guests, catalog-entity, read, allow
p, role:default/team-a, catalog.entity.delete, delete, allow
p, role:default/team-a, catalog.location.create, create, deny
p, role:default/team-a, kubernetes.proxy, use, allow
# a remark

g, group:default/team-a, role:default/team-a
g, user:default/bob, role:other/team-b
p, role:default/team-a, catalog-entity, fly, allow
p, team-a, catalog-entity, read, allow
g, robot, role:default/team-a
nonsense
"""
CONDITION = {
    "result": "CONDITIONAL",
    "roleEntityRef": "role:default/team-a",
    "pluginId": "catalog",
    "resourceType": "catalog-entity",
    "permissionMapping": ["update"],
    "conditions": {"rule": "IS_ENTITY_OWNER", "resourceType": "catalog-entity", "params": {"claims": ["$ownerRefs"]}},
}


def test_files_of_the_community_become_a_policy_and_bad_lines_are_told():
    imported = read_community(CSV, [(CONDITION, 1), ({"result": "ALLOW"}, 9)])
    document = imported.document
    assert document.resolution == "deny-overrides"
    assert [item.name for item in document.roles] == ["guests", "team-a", "other/team-b"]
    team = document_to_data(document)["roles"][1]
    assert team["members"] == ["group:default/team-a"]
    assert team["decisions"] == [
        {"deny": {"name": "catalog.location.create", "action": ["create"]}},
        {"allow": {"action": ["update"], "resource": ["catalog-entity"]}, "if": OWN},
        {"allow": {"name": "catalog.entity.delete", "action": ["delete"]}},
        {"allow": "kubernetes.proxy"},
    ]
    assert sorted(problem.place.line for problem in imported.problems) == [9, 9, 10, 11, 12]
