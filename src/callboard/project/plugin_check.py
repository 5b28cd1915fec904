"""Check a plugin the way the portal will see it, before anybody installs it."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from callboard.core.config.rooms import room_models
from callboard.core.registry import contract
from callboard.core.registry.discovery import GROUP
from callboard.core.registry.store import registry
from callboard.lib.nearest import did_you_mean
from callboard.lib.problems import Place, Problem

PURE = {"plugin.py", "settings.py", "types.py"}
WEB = {"django", "ninja", "httpx"}
UNPREFIXED = (contract.Rule, contract.ResourceType, contract.FormField, contract.Flag)
"""Points whose ids are wire names that other software chose, or have a name space of their own."""


def check_plugin(name_or_path: str) -> list[Problem]:
    """Answer everything that is wrong with an installed plugin, or with the project in a directory."""
    path = Path(name_or_path)
    if path.is_dir() and (path / "pyproject.toml").is_file():
        return _check_project(path)
    return list(_check_installed(name_or_path))


def _check_project(path: Path) -> list[Problem]:
    place = Place(str(path / "pyproject.toml"))
    try:
        project = tomllib.loads((path / "pyproject.toml").read_text())["project"]
        points = dict(project.get("entry-points", {}).get(GROUP, {}))
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        return [Problem("pyproject", f"The project file cannot be used: {error}.", "Mend it.", place)]
    if not points:
        remedy = f'Add [project.entry-points."{GROUP}"] with `name = "package"`.'
        return [Problem("no-entry-point", "The project announces no plugin.", remedy, place)]
    found: list[Problem] = []
    for name, package in points.items():
        root = next((r for r in (path / "src" / package, path / package) if r.is_dir()), None)
        if root is None:
            found.append(Problem("no-package", f"There is no package {package!r}.", "Name the right one.", place))
            continue
        found += _check_imports(root, package, name)
        if any(point.name == name for point in entry_points(group=GROUP)):
            found += _check_installed(name, imports=False)
        else:
            found.append(
                Problem(
                    "not-installed",
                    f"{name} is not installed here, so its contributions were not loaded.",
                    f"`pip install -e {path}` and check again.",
                    place,
                    "warning",
                )
            )
    return found


def _check_installed(name: str, *, imports: bool = True) -> Iterator[Problem]:
    points = {point.name: point.value.partition(":")[0] for point in entry_points(group=GROUP)}
    if name not in points:
        remedy = did_you_mean(name, points) or "`callboard plugin list` shows what is installed."
        yield Problem("not-installed", f"There is no plugin called {name!r}.", remedy, Place(name))
        return
    for bad in registry.quarantined():
        if bad.name == name:
            yield Problem("quarantined", f"{name} is quarantined: {bad.reason}.", bad.remedy, _where(bad.detail, name))
    broken = room_models().broken.get(name)
    if broken:
        yield Problem("settings", f"Its settings cannot be loaded: {broken}.", "Mend the module named.", Place(name))
    loaded = next((item for item in registry.plugins() if item.plugin.name == name), None)
    if loaded is None:
        return
    root = Path(str(import_module(loaded.plugin.package).__file__)).parent
    pages = {page.name for _, page in registry.every(contract.Page)}
    for item in loaded.contributions:
        place = Place(str(root / "contributions.py"), path=item.id)
        if (
            not item.id.startswith((f"{name}.", f"{name}:", f"{name}-"))
            and not isinstance(item, UNPREFIXED)
            and item.id != name
        ):
            yield Problem("prefix", f"{item.id!r} is not named after the plugin.", f"Call it `{name}.…`.", place)
        if isinstance(item, (contract.NavItem, contract.Command, contract.SettingsPage)) and item.page not in pages:
            hint = did_you_mean(item.page, pages) or "Name a page that a plugin contributes."
            yield Problem("no-page", f"{item.id} opens the page {item.page!r}, which nobody contributes.", hint, place)
        if isinstance(item, contract.Page) and item.path.startswith("/"):
            yield Problem("path", f"The path of {item.id} begins with a slash.", "Leave it away.", place)
    if imports:
        yield from _check_imports(root, loaded.plugin.package, name)


def _where(detail: str, name: str) -> Place:
    import re

    lines = re.findall(r'File "([^"]+)", line (\d+)', detail)
    return Place(lines[-1][0], int(lines[-1][1])) if lines else Place(name)


def _check_imports(root: Path, package: str, name: str) -> Iterator[Problem]:
    """Look at every import of the package: the SDK is the one door, and manifests are pure."""
    for file in sorted(root.rglob("*.py")):
        try:
            tree = ast.parse(file.read_text(), str(file))
        except (OSError, SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            yield Problem("syntax", f"The file cannot be read: {error}.", "Mend it.", Place(str(file), line))
            continue
        for line, module in _imports(tree):
            place = Place(str(file), line)
            parts = module.split(".")
            bundled = package.startswith("callboard.plugins.")
            inside = module == package or module.startswith(f"{package}.")
            if parts[:2] in (["callboard", "core"], ["callboard", "project"]) and "tests" not in file.parts:
                yield Problem(
                    "inner-import",
                    f"It imports {module}.",
                    "Import it from `callboard.sdk`; the rest may move.",
                    place,
                )
            elif parts[:2] == ["callboard", "plugins"] and not inside and parts[3:4] != ["public"]:
                remedy = f"Import `callboard.plugins.{parts[2] if len(parts) > 2 else name}.public`."
                yield Problem("inner-import", f"It imports {module} of another plugin.", remedy, place)
            elif parts[0] in WEB and file.parent == root and file.name in PURE and not bundled:
                yield Problem(
                    "impure",
                    f"It imports {parts[0]}.",
                    f"{file.name} is read before Django starts: plain data only.",
                    place,
                )


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.lineno, node.module
            for alias in node.names:
                if node.module in {"callboard", "callboard.plugins"}:
                    yield node.lineno, f"{node.module}.{alias.name}"
