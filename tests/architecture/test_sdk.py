"""The SDK is the one door: what goes through it is listed, documented and changed on purpose."""

import ast
import importlib
import inspect

import pytest

from callboard.core.registry import contract
from callboard.project import reference_docs
from tests.architecture.sdk_report import SNAPSHOT, report, sdk_modules
from tests.architecture.tree import ROOT

POINTS = [point.name for point in reference_docs.points() if point.is_contribution]
HELPERS = [point.name for point in reference_docs.points() if not point.is_contribution]


@pytest.mark.parametrize("name", sdk_modules())
def test_every_public_name_of_a_module_is_in_its_list(name):
    module = importlib.import_module(name)
    tree = ast.parse(inspect.getsource(module))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("callboard"):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    inner = {"C", "Contribution", "__all__"}
    missing = {n for n in found if not n.startswith("_") and n not in inner and not _of_core_only(module, n)}
    assert missing - set(module.__all__) == set()
    assert all(hasattr(module, item) for item in module.__all__)
    assert list(module.__all__) == sorted(
        module.__all__, key=lambda item: (not item.isupper(), not item[0].isupper(), item)
    )


def _of_core_only(module, name):
    """Names that a module's own functions need, and that another module of the SDK offers."""
    return any(name in importlib.import_module(other).__all__ for other in sdk_modules() if other != module.__name__)


def test_the_sdk_is_what_its_snapshot_says():
    assert SNAPSHOT.read_text() == report(), (
        "The SDK has changed. If that is on purpose, think of plugins that use it and of SDK_VERSION, "
        "then run `python -m tests.architecture.sdk_report` and commit the file."
    )


def test_every_class_of_the_contract_is_in_the_sdk():
    from callboard.sdk import contributions

    assert {*POINTS, *HELPERS, "Contribution"} == set(contributions.__all__)


@pytest.mark.parametrize("name", [*POINTS, *HELPERS])
def test_every_class_of_the_contract_says_what_it_is(name):
    text = inspect.getdoc(getattr(contract, name)) or ""
    assert len(text) > 20
    assert "(id:" not in text


@pytest.mark.parametrize("name", [*POINTS, *HELPERS])
def test_every_contribution_point_is_documented_with_an_example_that_runs(name):
    page = reference_docs.CONTRIBUTIONS.read_text()
    assert f"\n### {name}" in page
    assert name in reference_docs.examples(), f"the plugin in tests/plugins/dummy does not use {name}"


def test_the_page_about_contribution_points_is_up_to_date():
    assert reference_docs.CONTRIBUTIONS.read_text() == reference_docs.contributions_page(), "run `make docs`"


def test_the_plugin_from_outside_imports_nothing_but_the_sdk_and_public_modules():
    found = set()
    for file in (ROOT / "tests" / "plugins").glob("*/src/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("callboard."):
                found.add(node.module)
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names if alias.name.startswith("callboard.")}
    assert {m for m in found if not m.startswith("callboard.sdk.")} == {"callboard.plugins.catalog.public"}
