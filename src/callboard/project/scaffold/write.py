"""Write a plugin project from the templates beside this module."""

from __future__ import annotations

from pathlib import Path
from string import Template

from callboard.core.registry.manifest import Manifest, ManifestError
from callboard.core.registry.sdk_version import SDK_VERSION
from callboard.project.problems import Problem
from callboard.project.version import __version__

TEMPLATES = Path(__file__).parent / "template"


def write_plugin(name: str, into: Path, title: str = "") -> tuple[Path, list[str]]:
    """Write the project ``callboard-<name>`` below ``into``; answer its place and the files written."""
    try:
        Manifest(name=name, title=name, version="0")
    except ManifestError as error:
        raise Problem(str(error), "Choose a name such as `release_notes`.", "plugin-name") from error
    from importlib.metadata import entry_points

    taken = {point.name for point in entry_points(group="callboard.plugins")} | {
        "callboard",
        "admin",
        "api",
        "static",
    }
    if name in taken:
        raise Problem(f"there is a plugin called {name!r} already", "Choose another name.", "plugin-name")
    place = (into / f"callboard-{name.replace('_', '-')}").absolute()
    if place.exists() and any(place.iterdir()):
        raise Problem(f"{place} is not empty", "Choose another name or directory, or remove it first.", "exists")
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "package": f"callboard_{name}",
        "title": (title or name.replace("_", " ").capitalize()).replace('"', "'"),
        "sdk": f">={SDK_VERSION.split('.', maxsplit=1)[0]},<{int(SDK_VERSION.split('.', maxsplit=1)[0]) + 1}",
        "callboard": __version__,
    }
    written = []
    try:
        for source in sorted(TEMPLATES.rglob("*.in")):
            relative = str(source.relative_to(TEMPLATES).with_suffix(""))
            relative = relative.replace("_package_", words["package"]).replace("_name_", name)
            target = place / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template(source.read_text()).substitute(words))
            written.append(relative)
    except OSError as error:
        raise Problem(
            f"{place} cannot be written: {error.strerror}",
            "Choose another directory with --into.",
            "unwritable",
        ) from error
    return place, written
