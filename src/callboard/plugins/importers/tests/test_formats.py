"""Every reader says what it kept, mapped and dropped, and nothing of a file goes unmentioned."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from callboard.plugins.importers.tests import samples
from callboard.plugins.importers.types.formats import FORMATS, convert, format_called, format_of, lines_of
from callboard.plugins.importers.types.sheet import leaves


def done(name, text, **more):
    return convert(text, f"{name}.yaml", format_called(name), **more)


def by_ref(found):
    return {f"{e['kind']}:{e['metadata']['name']}": e for e in found.entities}


def told(found, path):
    return [(n.result, n.to) for n in found.notes if n.path == path]


def test_a_compass_component_comes_over():
    found = done("compass", samples.COMPASS)
    (entity,) = found.entities
    assert entity["metadata"]["name"] == "Checkout-Service"
    assert entity["metadata"]["title"] == "Checkout Service"
    assert entity["spec"]["type"] == "service"
    assert entity["spec"]["lifecycle"] == "experimental"
    assert entity["spec"]["dependsOn"] == ["component:55555555-0000"]
    assert entity["metadata"]["tags"] == ["payments", "team:orders"]
    assert entity["metadata"]["labels"] == {"tier": "1", "platform": "web"}
    assert entity["metadata"]["annotations"]["github.com/project-slug"] == "acme/checkout"
    assert entity["metadata"]["links"] == [
        {"url": "https://jira.example/checkout", "title": "Board", "type": "project"}
    ]
    assert told(found, "mystery.of") == [("dropped", "the catalog has no such field")]
    assert told(found, "links[2]")[0][0] == "dropped"
    assert told(found, "description") == [("kept", "")]
    assert [n.line for n in found.notes if n.path == "fields.tier"] == [8]


def test_a_cortex_service_comes_over_with_its_api():
    found = by_ref(done("cortex", samples.CORTEX))
    service, api = found["Component:payments"], found["API:payments-api"]
    assert service["metadata"]["title"] == "Payments API"
    assert service["spec"] == {
        "type": "service", "lifecycle": "deprecated", "owner": "group:money-team", "system": "system:finance",
        "dependsOn": ["component:ledger"], "providesApis": ["payments-api"],
    }  # fmt: skip
    assert service["metadata"]["tags"] == ["tier-0", "lang-java"]
    assert service["metadata"]["labels"] == {"cost-centre": "4711"}
    annotations = service["metadata"]["annotations"]
    assert annotations["github.com/project-slug"] == "acme/payments"
    assert annotations["backstage.io/source-location"].endswith("/services/payments/")
    assert annotations["pagerduty.com/service-id"] == "PABC123"
    assert annotations["slack.com/channel"] == "money-alerts"
    definition = yaml.safe_load(api["spec"]["definition"])
    assert definition["paths"]["/payments"]
    assert definition["info"] == {"title": "Payments API", "description": "Moves money.", "version": "2"}


def test_cortex_teams_and_domains_come_over():
    found = by_ref(done("cortex", samples.TEAM))
    assert found["Group:money-team"]["spec"] == {
        "type": "team", "children": ["refunds"], "profile": {"displayName": "Money Team"}, "members": ["ann"],
    }  # fmt: skip
    assert found["Domain:finance"]["spec"] == {"owner": "unknown", "subdomainOf": "company"}


def test_an_opslevel_component_comes_over():
    found = done("opslevel", samples.OPSLEVEL)
    (entity,) = found.entities
    assert (entity["metadata"]["name"], entity["metadata"]["title"]) == ("shopping-cart", "Shopping Cart")
    assert entity["spec"] == {
        "type": "service", "lifecycle": "production", "owner": "group:order_team", "system": "shop",
        "dependsOn": ["component:payments", "component:stock"],
    }  # fmt: skip
    assert entity["metadata"]["tags"] == ["python", "django"]
    assert entity["metadata"]["labels"] == {"tier": "tier_1", "env": "prod", "data_class": "internal"}
    assert entity["metadata"]["annotations"]["gitlab.com/project-slug"] == "acme/cart"
    assert entity["metadata"]["annotations"]["callboard.dev/aliases"] == "shopping_cart, k8s-prod-cart"
    assert told(found, "repository.owner")[0][0] == "dropped"
    assert told(found, "component.repositories[1]")[0][0] == "dropped"


def test_a_score_workload_comes_over_with_what_it_needs():
    found = by_ref(done("score", samples.SCORE))
    assert set(found) == {"Component:hello-world", "Resource:hello-world-db", "Resource:shared-cache"}
    assert found["Component:hello-world"]["spec"]["dependsOn"] == ["resource:hello-world-db", "resource:shared-cache"]
    assert found["Resource:hello-world-db"]["metadata"]["tags"] == ["large"]
    assert found["Resource:shared-cache"]["spec"]["type"] == "redis"


def test_port_entities_come_over_by_their_blueprints():
    found = by_ref(done("port", samples.PORT))
    orders = found["Component:orders"]
    assert orders["spec"] == {
        "type": "service", "lifecycle": "unknown", "owner": "group:order-team", "system": "shop",
        "dependsOn": ["resource:prod-1"],
    }  # fmt: skip
    assert orders["metadata"]["tags"] == ["go"]
    assert orders["metadata"]["annotations"]["github.com/project-slug"] == "acme/orders"
    assert orders["metadata"]["labels"] == {"replicas": "3"}
    assert found["Resource:prod-1"]["spec"]["type"] == "k8scluster"
    assert found["Resource:prod-1"]["metadata"]["annotations"] == {"getport.io/region": "eu 1"}
    one = done("port", "identifier: a\nblueprint: service\nproperties: {}\n")
    assert by_ref(one)["Component:a"]["spec"]["type"] == "service"
    listed = done("port", '[{"identifier": "a", "blueprint": "team"}, {"identifier": "b", "blueprint": "user"}]')
    assert set(by_ref(listed)) == {"Group:a", "User:b"}


def test_a_table_comes_over_by_its_headings():
    found = done("csv", samples.TABLE, columns={"Cost centre": "metadata.labels.cost-centre", "notes": "-"})
    basket, till = found.entities
    assert basket["metadata"]["name"] == "Basket-Web"
    assert basket["metadata"]["title"] == "Basket Web"
    assert basket["spec"] == {
        "type": "service", "lifecycle": "production", "owner": "order-team",
        "dependsOn": ["component:payments", "component:stock"],
    }  # fmt: skip
    assert basket["metadata"]["labels"] == {"cost-centre": "47-11"}
    assert till["spec"]["owner"] == "user:default/ann"
    assert told(found, "Notes")[0][0] == "dropped"
    assert told(found, "row 3") == [("dropped", "it has no name")]
    free = done("csv", "name,Cost centre\na,1 2\n")
    assert free.entities[0]["metadata"]["annotations"] == {"callboard.dev/Cost-centre": "1 2"}
    people = done("csv", "kind,name,email,teams\nuser,ann,ann@x.example,apples|pears\n", defaults={"spec.type": ""})
    assert people.entities[0]["spec"] == {"memberOf": ["apples", "pears"], "profile": {"email": "ann@x.example"}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compass", samples.COMPASS),
        ("cortex", samples.CORTEX),
        ("cortex", samples.TEAM),
        ("opslevel", samples.OPSLEVEL),
        ("score", samples.SCORE),
        ("port", samples.PORT),
    ],
)
def test_nothing_of_a_file_goes_unmentioned(name, text):
    found = done(name, text)
    assert found.error == ""
    noted = [n.path for n in found.notes if n.path]
    for document in yaml.safe_load_all(text):
        for path, value in leaves(document):
            if value not in (None, "", [], {}):
                # A list is spoken of as a whole, or item by item.
                assert any(
                    path == p or path.startswith((f"{p}.", f"{p}[")) or p.startswith(f"{path}[") for p in noted
                ), path
    assert all(n.line > 0 for n in found.notes)
    assert all(n.to for n in found.notes if n.result != "kept")
    assert len(lines_of(found)) == len(found.notes) + 1


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("compass", "a: 1\n", "`name`"),
        ("compass", "a: [\n", "yaml"),
        ("compass", "- a\n", "no mapping"),
        ("cortex", "openapi: 3.0.0\ninfo: {}\n", "x-cortex-tag"),
        ("opslevel", "version: 1\n", "component"),
        ("opslevel", "service: {owner: a}\n", "no name"),
        ("score", "apiVersion: v1\n", "Score"),
        ("port", "a: 1\n", "neither"),
        ("csv", "a,b\n1,2\n", "names"),
        ("csv", "", "names"),
    ],
)
def test_a_file_that_is_something_else_says_so(name, text, says):
    found = done(name, text)
    assert says in found.error
    assert found.entities == []


def test_what_was_read_before_an_error_stays():
    found = done("compass", "name: a\n---\nnothing: here\n")
    assert [e["metadata"]["name"] for e in found.entities] == ["a"]
    assert found.error


def test_formats_are_known_by_the_names_of_files():
    for name, wanted in {
        "compass.yml": "compass", "cortex.yaml": "cortex", "opslevel.yml": "opslevel", "score.yaml": "score",
        "web.score.yaml": "score", "port.yml": "port", "all.port.json": "port", "services.csv": "csv",
    }.items():  # fmt: skip
        assert format_of(name).id == wanted
    assert format_of("catalog-info.yaml") is None
    assert len({name for item in FORMATS for name in item.file_names}) == sum(len(i.file_names) for i in FORMATS)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abxy-.", max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = {
    "compass": ["name", "typeId", "fields", "links", "labels", "customFields", "relationships", "ownerId"],
    "cortex": ["openapi", "info", "paths"],
    "opslevel": ["version", "component", "service", "repository"],
    "score": ["apiVersion", "metadata", "containers", "service", "resources"],
    "port": ["identifier", "blueprint", "properties", "relations", "team", "schema", "entities", "blueprints"],
}
INNER = {
    "info": ["title", "x-cortex-tag", "x-cortex-owners", "x-cortex-type", "x-cortex-dependency", "x-cortex-team"],
    "component": ["name", "owner", "tags", "tools", "repositories", "dependencies", "properties", "aliases"],
    "metadata": ["name", "annotations"],
}


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_nonsense_in_any_field_is_a_message_and_never_a_crash(data):
    name = data.draw(st.sampled_from(sorted(KEYS)))
    document = {}
    for key in KEYS[name]:
        inner = INNER.get(key)
        document[key] = (
            {word: data.draw(VALUES) for word in inner} if inner and data.draw(st.booleans()) else data.draw(VALUES)
        )
    if name == "score":
        document["apiVersion"] = "score.dev/v1b1"
    if name == "compass":
        document["name"] = "a"
    found = done(name, yaml.safe_dump(document, allow_unicode=True))
    assert found.error or found.entities or found.notes
