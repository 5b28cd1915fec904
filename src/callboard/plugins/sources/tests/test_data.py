"""Tables of people, web APIs with a mapping, clusters and buckets."""

import io
import json

import boto3
import pytest
from moto.server import ThreadedMotoServer
from openpyxl import Workbook
from werkzeug.wrappers import Request, Response

from callboard.plugins.sources.services.running import perform_run, preview_source, sample_items, try_source
from callboard.plugins.sources.tests.conftest import entity, made, refs, run_source, service
from callboard.plugins.sources.types.found import SourceError
from tests.servers.clouds import Cluster, Storage
from tests.servers.face import running

pytestmark = pytest.mark.django_db

CSV = "login,name,email,teams\nada,Ada Lovelace,ada@example.com,Analysts; Engineering\nbob,Bob,,\n,,,\n"


class Web:
    """A web server: what each path answers, and what was asked."""

    def __init__(self):
        self.pages, self.requests = {}, []

    def __call__(self, environ, start_response):
        with Request(environ) as request:
            self.requests.append(request)
            found = self.pages.get(request.path)
            if callable(found):
                found = found(request)
            if found is None:
                found = Response("", 404)
            elif not isinstance(found, Response):
                found = Response(
                    found if isinstance(found, bytes) else json.dumps(found), content_type="application/json"
                )
            return found(environ, start_response)


@pytest.fixture
def web():
    site = Web()
    with running(site) as url:
        site.url = url
        yield site


# --- Tables ------------------------------------------------------------------------


def workbook(rows, sheet="People"):
    book = Workbook()
    page = book.create_sheet(sheet)
    for row in rows:
        page.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


ROWS = [
    ["login", "name", "email", "teams"],
    ["ada", "Ada Lovelace", "ada@example.com", "Analysts|Engineering"],
    ["bob", "Bob", None, None],
]
JSON = [
    {"login": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "teams": ["Analysts", "Engineering"]},
    {"login": "bob", "name": "Bob"},
]


@pytest.mark.parametrize(
    ("name", "content", "more"),
    [
        ("people.csv", CSV.encode(), {}),
        ("people.csv", CSV.replace(",", "\t").replace(";", ",").encode("utf-8-sig"), {}),
        ("people.json", json.dumps(JSON).encode(), {}),
        ("people.json", json.dumps({"people": JSON}).encode(), {}),
        ("people.xlsx", workbook(ROWS), {"sheet": "People"}),
    ],
)
def test_people_of_a_table_arrive_with_their_groups(name, content, more, tmp_path, configured):
    (tmp_path / name).write_bytes(content)
    configured(roots=[str(tmp_path)])
    made("it", "people-file", url=name, **more)
    run_source("it")
    assert refs() == {
        "user:default/ada",
        "user:default/bob",
        "group:default/Analysts".lower(),
        "group:default/engineering",
    }
    ada = entity("user:default/ada")
    assert ada["spec"]["profile"] == {"displayName": "Ada Lovelace", "email": "ada@example.com"}
    assert ada["spec"]["memberOf"] == ["Analysts", "Engineering"]


def test_a_table_on_the_web_is_read_with_its_token(web):
    web.pages["/people.csv"] = lambda request: (
        CSV.encode() if request.headers.get("Authorization") == "Bearer t0ken" else Response("", 401)
    )
    url = f"{web.url}/people.csv"
    look = preview_source("people-file", {"url": url, "token": "t0ken", "private": True})
    assert look.discovery.counts() == {"User": 2, "Group": 2}
    with pytest.raises(SourceError) as error:
        preview_source("people-file", {"url": url, "private": True})
    assert error.value.code == "unauthorized"
    with pytest.raises(SourceError) as error:
        preview_source("people-file", {"url": url, "token": "t0ken"})
    assert "not a public address" in error.value.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,who\n1,ada\n", "has no column login"),
        (b"PK\x03\x04broken", "cannot be opened"),
        (b"{broken", "is no JSON"),
        (b'{"a": 1}', "no list of people"),
        (b"\xd0\xcf\x11\xe0old", "are not read"),
    ],
)
def test_tables_that_cannot_be_used_say_why(content, words, tmp_path, configured):
    (tmp_path / "people.txt").write_bytes(content)
    configured(roots=[str(tmp_path)])
    with pytest.raises(SourceError) as error:
        preview_source("people-file", {"url": "people.txt"})
    assert words in error.value.message
    assert error.value.remedy


def test_files_outside_of_the_allowed_directories_are_not_read(tmp_path, configured):
    (tmp_path / "secret.csv").write_text(CSV)
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "link.csv").symlink_to(tmp_path / "secret.csv")
    configured(roots=[str(tmp_path / "open")])
    for url in ("../secret.csv", "link.csv", str(tmp_path / "secret.csv"), "/etc/passwd"):
        with pytest.raises(SourceError) as error:
            preview_source("people-file", {"url": url})
        assert "no directory" in error.value.message


# --- Web APIs ----------------------------------------------------------------------

ITEMS = [{"name": f"Service {n}", "description": f"No. {n}", "team": "Shop Team", "tags": ["a", "b"]} for n in range(5)]
MAPPING = """\
kind: Component
metadata:
  name: ${{ item.name | slug }}
  description: "About ${{ item.description }} of ${{ item.missing.deeper }}"
  tags: ${{ item.tags }}
spec:
  type: service
  lifecycle: ${{ item.stage or 'production' }}
  owner: ${{ item.team | slug }}
"""


def api(web, **more):
    return {"url": f"{web.url}/services", "private": True, "mapping": MAPPING, **more}


def test_items_of_an_api_become_entities(web):
    web.pages["/services"] = {"data": {"services": ITEMS}}
    made("it", "http", **api(web, items="data.services"))
    run_source("it")
    assert refs() == {f"component:default/service-{n}" for n in range(5)}
    found = entity("component:default/service-1")
    assert found["metadata"]["description"] == "About No. 1 of"
    assert found["metadata"]["tags"] == ["a", "b"]
    assert found["spec"]["owner"] == "shop-team"


def test_jmespath_maps_as_well(web):
    web.pages["/services"] = ITEMS
    mapping = "{kind: 'Resource', metadata: {name: join('-', ['db', team == 'Shop Team' && 'shop' || 'x', description])}, spec: {type: 'db', owner: 'x'}}"
    look = preview_source("http", api(web, language="jmespath", mapping=mapping.replace("description", "'1'")))
    assert look.discovery.entities[0]["metadata"] == {"name": "db-shop-1", "namespace": "default"}


@pytest.mark.parametrize("pagination", ["link", "next", "page", "offset", "cursor"])
def test_every_way_of_paging_is_followed(web, pagination):
    def answer(request):
        start = {
            "page": (int(request.args.get("page") or 1) - 1) * 2,
            "offset": int(request.args.get("page") or 0),
            "cursor": int(request.args.get("page") or 0),
        }.get(pagination, int(request.args.get("start") or 0))
        part, more = ITEMS[start : start + 2], start + 2 < len(ITEMS)
        body = {"items": part}
        if more and pagination == "next":
            body["next"] = f"/services?start={start + 2}"
        if more and pagination == "cursor":
            body["next"] = str(start + 2)
        headers = {"Link": f'</services?start={start + 2}>; rel="next"'} if more and pagination == "link" else {}
        return Response(json.dumps(body), headers=headers)

    web.pages["/services"] = answer
    look = preview_source("http", api(web, items="items", pagination=pagination, page_size=2), limit=0)
    assert look.discovery.looked_at["items"] == 5
    assert look.discovery.complete


def test_an_item_cannot_write_keys_of_its_own(web):
    web.pages["/services"] = [
        {"name": "x\nkind: User\nspec: {memberOf: [admins]}", "description": "${{ 7 * 7 }}", "team": "a"}
    ]
    look = preview_source("http", api(web))
    (found,) = look.discovery.entities
    assert found["kind"] == "Component"
    assert "49" not in found["metadata"]["description"]


@pytest.mark.parametrize(
    "expression",
    [
        "item.__class__.__mro__",
        "''.__class__.__base__.__subclasses__()",
        "item.name.__init__.__globals__",
        "cycler",
        "namespace()",
    ],
)
def test_the_sandbox_lets_nothing_out(web, expression):
    web.pages["/services"] = ITEMS[:1]
    look = preview_source("http", api(web, mapping=f"kind: Component\nmetadata:\n  name: a${{{{ {expression} }}}}\n"))
    names = [found["metadata"]["name"] for found in look.discovery.entities]
    assert look.discovery.troubles or names == ["a"]


def test_an_item_that_cannot_be_mapped_holds_the_rest_in_place(web):
    web.pages["/services"] = ITEMS
    made("it", "http", **api(web))
    run_source("it")
    web.pages["/services"] = [*ITEMS[:2], {"name": 5, "team": {}, "tags": 1, "description": None}]
    text = MAPPING.replace("${{ item.description }}", "${{ item.description | length }}")
    from callboard.plugins.sources.services.keeping import change_source

    change_source("it", api(web, mapping=text))
    done = run_source("it")
    assert done.state == "partial"
    assert len(refs()) == 5


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"mapping": "kind: ${{ item. }}"}, "mapping cannot be read"),
        ({"mapping": "kind: [broken"}, "mapping cannot be read"),
        ({"language": "jmespath", "mapping": "{kind: "}, "mapping cannot be read"),
        ({"items": "nothing["}, "cannot be used"),
        ({"items": "[0].name"}, "leads to a text"),
    ],
)
def test_mappings_that_cannot_be_used_say_why(web, more, words):
    web.pages["/services"] = ITEMS
    with pytest.raises(SourceError) as error:
        preview_source("http", api(web, **more))
    assert words in error.value.message


def test_pages_that_lead_to_another_host_are_not_followed(web):
    web.pages["/services"] = {"items": ITEMS, "next": "https://evil.example/services"}
    with pytest.raises(SourceError) as error:
        preview_source("http", api(web, items="items", pagination="next"), limit=0)
    assert "another host" in error.value.message


def test_the_first_items_are_shown_as_they_came_and_headers_stay_secret(web):
    web.pages["/services"] = lambda request: ITEMS if request.headers.get("X-Key") == "k3y" else Response("", 403)
    assert sample_items(api(web, headers={"X-Key": "k3y"}))[0] == ITEMS[0]
    made("it", "http", **api(web, headers={"X-Key": "k3y"}))
    from callboard.plugins.sources.models import Source

    assert "k3y" not in str(Source.objects.values_list("settings", "secrets").get())
    run_source("it")


def test_what_the_catalog_would_refuse_is_shown_beforehand(web):
    web.pages["/services"] = ITEMS[:1]
    look = preview_source("http", api(web, mapping="kind: Component\nmetadata:\n  name: x\nspec: {}\n"))
    assert {one.place for one in look.problems} == {"component:default/x"}


# --- Clusters ----------------------------------------------------------------------


@pytest.fixture
def cluster():
    made_up = Cluster()
    for number in range(3):
        made_up.add(
            "configmaps",
            f"c{number}",
            labels={"callboard.io/catalog": "true"},
            data={"catalog-info.yaml": service(f"svc{number}")},
        )
    made_up.add("configmaps", "other", data={"catalog-info.yaml": service("not-mine")})
    made_up.add(
        "backstage.io/v1alpha1/components",
        "till",
        apiVersion="backstage.io/v1alpha1",
        kind="Component",
        metadata={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
        spec={"type": "service", "lifecycle": "production", "owner": "x", "description": "Takes money"},
    )
    with running(made_up) as url:
        made_up.url = url
        yield made_up


def test_entities_of_a_cluster_arrive(cluster):
    resources = ["backstage.io/v1alpha1/components"]
    made("it", "kubernetes", url=cluster.url, token=cluster.token, resources=resources)
    run_source("it")
    assert refs() == {f"component:default/{name}" for name in ("svc0", "svc1", "svc2", "till")}
    till = entity("component:default/till")
    assert till["metadata"]["description"] == "Takes money"
    assert not any("kubectl" in key for key in till["metadata"]["annotations"])
    location = entity("component:default/svc1")["metadata"]["annotations"]["backstage.io/managed-by-location"]
    assert location == "kubernetes:configmaps/shop/c1#catalog-info.yaml"


def test_a_cluster_says_what_is_wrong(cluster):
    assert "v1.34.0" in try_source("kubernetes", {"url": cluster.url, "token": cluster.token})
    for changed, words in (
        ({"token": "wrong"}, "refuses the sign-in"),
        ({"resources": ["x.example/v1/things"]}, "is not there"),
        ({"resources": ["things"]}, "no custom resource"),
        ({"certificate": "none"}, "certificate"),
        ({"private": False}, "not a public address"),
    ):
        with pytest.raises(SourceError) as error:
            try_source("kubernetes", {"url": cluster.url, "token": cluster.token, **changed})
        assert words in error.value.message


# --- Buckets -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3():
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="sec"
    )
    client.create_bucket(Bucket="catalog")
    for number in range(3):
        client.put_object(Bucket="catalog", Key=f"teams/t{number}/catalog.yaml", Body=service(f"s{number}").encode())
    client.put_object(Bucket="catalog", Key="teams/readme.md", Body=b"no")
    client.put_object(Bucket="catalog", Key="broken.yaml", Body=b"a: [")
    client.put_object(Bucket="catalog", Key="people.csv", Body=CSV.encode())
    client.close()
    yield url
    server.stop()


def bucket(server, **more):
    return {
        "url": "s3://catalog/teams",
        "endpoint": server,
        "access_key": "key",
        "secret_key": "sec",
        "private": True,
        **more,
    }


def test_files_of_an_s3_bucket_arrive(s3):
    made("it", "bucket", **bucket(s3))
    run_source("it")
    assert refs() == {"component:default/s0", "component:default/s1", "component:default/s2"}
    location = entity("component:default/s1")["metadata"]["annotations"]["backstage.io/managed-by-location"]
    assert location == "s3://catalog/teams/t1/catalog.yaml"


def test_a_broken_file_of_a_bucket_holds_the_rest_in_place(s3):
    look = preview_source("bucket", bucket(s3, url="s3://catalog"), limit=0)
    assert len(look.discovery.entities) == 3
    assert look.discovery.troubles[0].place.startswith("broken.yaml")
    assert not look.discovery.complete


def test_people_may_lie_in_a_bucket(s3):
    made("it", "people-file", **bucket(s3, url="s3://catalog/people.csv"))
    run_source("it")
    assert "user:default/ada" in refs()


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"url": "s3://nowhere"}, "is not there"), ({"private": False}, "not a public address")],
)
def test_a_bucket_says_what_is_wrong(s3, changed, words):
    with pytest.raises(SourceError) as error:
        preview_source("bucket", bucket(s3, **changed))
    assert words in error.value.message
    made("it", "bucket", **bucket(s3, **changed))
    with pytest.raises(SourceError):
        perform_run("it")


def test_files_of_google_cloud_storage_arrive():
    storage = Storage({"catalog": {"a/catalog.yaml": service("a").encode(), "b.txt": b"no"}})
    with running(storage) as url:
        made("it", "bucket", url="gs://catalog", endpoint=url, anonymous=True, private=True)
        run_source("it")
        key = json.dumps(
            {"gcs_base_url": url, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
        )
        with pytest.raises(SourceError) as error:
            preview_source("bucket", {"url": "gs://catalog", "secret_key": key})
        assert "not a public address" in error.value.message
    assert refs() == {"component:default/a"}
