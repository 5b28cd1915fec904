"""Hold the demo organisation to the rules of the catalog format, without help from the catalog itself."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

DEMO = Path(__file__).resolve().parent.parent / "examples" / "demo"

Entity = dict[str, Any]
Found = list[tuple[Path, Entity]]

NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
NAMESPACE = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")
TAG = re.compile(r"[a-z0-9:+#]+(-[a-z0-9:+#]+)*")
DNS_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

REQUIRED = {
    "API": {"type", "lifecycle", "owner"},
    "AiResource": {"type", "lifecycle", "owner"},
    "Component": {"type", "lifecycle", "owner"},
    "Domain": {"owner"},
    "Group": {"type", "children"},
    "Location": set(),
    "Resource": {"type", "owner"},
    "System": {"owner"},
    "Template": {"type", "steps"},
    "User": {"memberOf"},
}

# Field of spec, the kind a short reference means there (none: the kind must be written out).
RELATIONS = {
    "owner": "group",
    "system": "system",
    "domain": "domain",
    "subdomainOf": "domain",
    "subcomponentOf": "component",
    "parent": "group",
    "children": "group",
    "members": "user",
    "memberOf": "group",
    "providesApis": "api",
    "consumesApis": "api",
    "dependsOn": None,
    "dependencyOf": None,
}

READERS: dict[str, Callable[[str], Any]] = {"$text": str, "$json": json.loads, "$yaml": yaml.safe_load}

DANGLING_ON_PURPOSE = {
    ("component:default/receipt-renderer", "resource:default/fonts-bucket"),
    ("component:default/campaign-studio", "api:default/loyalty-points"),
}


def read(path: Path) -> Iterator[tuple[Path, Entity]]:
    """Follow Locations the way a catalog does, so that a file nobody points to is not counted."""
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        yield path, document
        if document["kind"] != "Location":
            continue
        spec = document["spec"]
        for target in [*spec.get("targets", []), *filter(None, [spec.get("target")])]:
            matches = sorted(path.parent.glob(target))
            assert matches, f"{path.name}: target {target} matches no file"
            for match in matches:
                yield from read(match)


@pytest.fixture(scope="module")
def found() -> Found:
    return list(read(DEMO / "all.yaml"))


def is_name(text: str) -> bool:
    return len(text) <= 63 and NAME.fullmatch(text) is not None


def ref_of(entity: Entity) -> str:
    metadata = entity["metadata"]
    return f"{entity['kind']}:{metadata.get('namespace', 'default')}/{metadata['name']}".lower()


def resolve(text: str, kind: str | None, namespace: str) -> str:
    head, colon, rest = text.partition(":")
    if not colon:
        assert kind, f"{text} must name its kind"
        head, rest = kind, text
    return f"{head}:{rest}".lower() if "/" in rest else f"{head}:{namespace}/{rest}".lower()


def edges(found: Found) -> Iterator[tuple[str, str]]:
    for _, entity in found:
        namespace = entity["metadata"].get("namespace", "default")
        for field, kind in RELATIONS.items():
            value = entity["spec"].get(field)
            for text in [value] if isinstance(value, str) else value or []:
                yield ref_of(entity), resolve(text, kind, namespace)


def placeholders(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith("$"):
            yield next(iter(value.items()))
        for item in value.values():
            yield from placeholders(item)
    elif isinstance(value, list):
        for item in value:
            yield from placeholders(item)


def definitions(found: Found, kind: str) -> dict[str, str]:
    """Return the raw text of every API definition of one type, by name."""
    texts = {}
    for path, entity in found:
        if entity["kind"] == "API" and entity["spec"]["type"] == kind:
            value = entity["spec"]["definition"]
            text = value if isinstance(value, str) else (path.parent / value["$text"]).read_text(encoding="utf-8")
            texts[entity["metadata"]["name"]] = text
    return texts


def test_the_organisation_has_a_believable_size_and_every_kind(found: Found) -> None:
    kinds = Counter(entity["kind"] for _, entity in found)
    assert set(kinds) == set(REQUIRED)
    assert 145 <= sum(kinds.values()) <= 175


def test_every_reference_is_unique(found: Found) -> None:
    counts = Counter(ref_of(entity) for _, entity in found)
    assert [ref for ref, count in counts.items() if count > 1] == []


def test_every_catalog_file_is_reached_from_the_root(found: Found) -> None:
    reached = {path for path, _ in found}
    on_disk = {path for path in DEMO.rglob("catalog-info.yaml") if "skeleton" not in path.parts}
    assert on_disk <= reached


def test_only_the_two_known_relations_dangle(found: Found) -> None:
    known = {ref_of(entity) for _, entity in found}
    assert {(source, target) for source, target in edges(found) if target not in known} == DANGLING_ON_PURPOSE


def test_the_imperfections_the_readme_promises_are_there(found: Found) -> None:
    components = {e["metadata"]["name"]: e["spec"] for _, e in found if e["kind"] == "Component"}
    assert [name for name, spec in components.items() if "system" not in spec] == ["status-page"]
    assert components["box-office-classic"]["lifecycle"] == "deprecated"
    needed_by = {source for source, target in edges(found) if target == "component:default/box-office-classic"}
    assert len(needed_by) == 2


def test_required_fields_are_filled(found: Found) -> None:
    for _, entity in found:
        spec = entity["spec"]
        assert set(entity) == {"apiVersion", "kind", "metadata", "spec"}, ref_of(entity)
        assert REQUIRED[entity["kind"]] <= set(spec), ref_of(entity)
        if entity["kind"] == "API":
            assert ("remotes" if spec["type"] == "mcp-server" else "definition") in spec, ref_of(entity)
        expected = "scaffolder.backstage.io/v1beta3" if entity["kind"] == "Template" else "backstage.io/v1alpha1"
        assert entity["apiVersion"] == expected, ref_of(entity)


def test_names_tags_labels_annotations_and_links_have_the_right_form(found: Found) -> None:
    for _, entity in found:
        metadata, ref = entity["metadata"], ref_of(entity)
        assert is_name(metadata["name"]), ref
        assert NAMESPACE.fullmatch(metadata.get("namespace", "default")), ref
        assert metadata["description"].strip(), ref
        for tag in metadata.get("tags", []):
            assert len(tag) <= 63, (ref, tag)
            assert TAG.fullmatch(tag), (ref, tag)
        for field in ("labels", "annotations"):
            for key, value in metadata.get(field, {}).items():
                prefix, slash, name = key.rpartition("/")
                assert is_name(name), (ref, key)
                assert not slash or DNS_PREFIX.fullmatch(prefix), (ref, key)
                assert isinstance(value, str), (ref, key)
                assert field == "annotations" or is_name(value), (ref, key)
        for link in metadata.get("links", []):
            assert urlsplit(link["url"]).scheme in {"https", "mailto"}, (ref, link)
            assert is_name(link["icon"]), (ref, link)
            assert link["title"], (ref, link)


def test_every_placeholder_points_to_a_readable_file(found: Found) -> None:
    used = set()
    for path, entity in found:
        for resolver, target in placeholders(entity):
            text = (path.parent / target).read_text(encoding="utf-8")
            used.add(resolver)
            assert READERS[resolver](text), (path, target)
    assert used == {"$text", "$json", "$yaml"}


def test_http_apis_have_four_to_ten_documented_operations(found: Found) -> None:
    versions = set()
    for name, text in definitions(found, "openapi").items():
        document = yaml.safe_load(text)
        versions.add((document.get("openapi") or document["swagger"])[:3])
        operations = [
            operation
            for item in document["paths"].values()
            for verb, operation in item.items()
            if verb in {"get", "put", "post", "patch", "delete"}
        ]
        assert 4 <= len(operations) <= 10, name
        ids = [operation["operationId"] for operation in operations]
        assert len(ids) == len(set(ids)), name
        assert all(operation["summary"] and operation["responses"] for operation in operations), name
    assert versions == {"2.0", "3.0", "3.1"}


@pytest.mark.parametrize("kind", ["openapi", "asyncapi"])
def test_references_inside_definitions_resolve(found: Found, kind: str) -> None:
    for name, text in definitions(found, kind).items():
        document = yaml.safe_load(text)
        for pointer in re.findall(r"\$ref: '#/([^']+)'", text):
            node = document
            for part in pointer.split("/"):
                assert part in node, (name, pointer)
                node = node[part]


def test_event_apis_come_in_both_generations(found: Found) -> None:
    versions = {yaml.safe_load(text)["asyncapi"] for text in definitions(found, "asyncapi").values()}
    assert versions == {"2.6.0", "3.0.0"}


def test_schemas_and_protos_are_balanced_and_of_the_announced_language(found: Found) -> None:
    for name, text in definitions(found, "grpc").items():
        assert text.startswith('syntax = "proto3";'), name
        assert "\nservice " in text, name
        assert text.count("{") == text.count("}"), name
    for name, text in definitions(found, "graphql").items():
        assert "type Query {" in text, name
        assert text.count("{") == text.count("}"), name


def test_documented_entities_have_pages_for_every_entry_of_their_menu(found: Found) -> None:
    sites = 0
    for path, entity in found:
        annotations = entity["metadata"].get("annotations", {})
        if "backstage.io/techdocs-ref" not in annotations:
            continue
        sites += 1
        config = yaml.safe_load((path.parent / "mkdocs.yml").read_text(encoding="utf-8"))
        assert config["plugins"] == ["techdocs-core"]
        listed = set(re.findall(r"[\w/-]+\.md", json.dumps(config["nav"])))
        docs = path.parent / "docs"
        assert {str(page.relative_to(docs)) for page in docs.rglob("*.md")} == listed
        assert len(listed) >= 2
    assert sites == 10


def test_links_between_documentation_pages_lead_somewhere() -> None:
    for page in DEMO.rglob("docs/**/*.md"):
        if "skeleton" in page.parts:
            continue
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (page, target)


def test_templates_bring_the_skeleton_they_fetch(found: Found) -> None:
    templates = [(path, entity) for path, entity in found if entity["kind"] == "Template"]
    assert len(templates) == 9
    for path, entity in templates:
        steps = entity["spec"]["steps"]
        assert len({step["id"] for step in steps}) == len(steps)
        fetched = [step["input"]["url"] for step in steps if step["action"].startswith("fetch:")]
        assert fetched, entity["metadata"]["name"]
        places = [path.parent / url for url in fetched if "${{" not in url]
        assert all(place.is_file() or any(place.iterdir()) for place in places)
        given = {key for step in steps if "input" in step for key in step["input"].get("values", {})}
        texts = [
            str(file) + file.read_text(encoding="utf-8")
            for file in (path.parent / "skeleton").rglob("*.*")
            if file.is_file()
        ]
        used = {name for text in texts for name in re.findall(r"values\.(\w+)", text)}
        assert used <= given, (entity["metadata"]["name"], used - given)


@pytest.mark.django_db
def test_the_templates_pass_the_cases_beside_them():
    from callboard.plugins.scaffolder.services.template_tests import run_template_tests
    from callboard.sdk.auth import OPERATOR, act_as

    with act_as(OPERATOR, "cli"):
        results = run_template_tests(DEMO / "templates")
    assert {f"{r.template}: {r.case}": r.problems for r in results if not r.passed} == {}
    assert len({r.template for r in results}) >= 2
