"""What is installed is what was reviewed: every package by version and hash, from the package index alone.

Whether a version has become known as vulnerable, only a service can tell; docs/explanation/security.md says how to ask.
"""

import re
from importlib.metadata import PackageNotFoundError, distributions, version

import pytest
from packaging.markers import Marker

from tests.architecture.tree import ROOT

LOCKS = ("requirements.lock", "requirements-assets.lock", "requirements-dev.lock")
ENTRY = re.compile(
    r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)([^\n]*)((?:\n    --hash=sha256:[0-9a-f]{64}[ \\]*)*)", re.MULTILINE
)
OWN = {"callboard", "pip", "setuptools", "wheel", "uv"}


def locked(name):
    text = (ROOT / name).read_text()
    return [(m[1].lower().replace("_", "-"), m[2], m[3], m[4].count("--hash=")) for m in ENTRY.finditer(text)]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_locked_by_version_and_hash(lock):
    entries = locked(lock)
    assert len(entries) > 20
    assert [name for name, _version, _marker, hashes in entries if not hashes] == []
    text = (ROOT / lock).read_text()
    assert " @ " not in text, "a package from an address, and not from the index"
    assert "--index-url" not in text


def test_what_is_installed_is_what_is_locked():
    wrong = {}
    for name, wanted, marker, _hashes in locked("requirements-dev.lock"):
        condition = marker.partition(";")[2].rstrip("\\ ").strip()
        if condition and not Marker(condition).evaluate():
            continue  # for another system or another Python
        try:
            found = version(name)
        except PackageNotFoundError:
            continue  # the assets group may be missing
        if found != wanted:
            wrong[name] = f"{found} instead of {wanted}"
    assert wrong == {}


def test_nothing_is_installed_that_is_not_locked():
    known = {name for name, *_ in locked("requirements-dev.lock")} | OWN
    installed = {d.metadata["Name"].lower().replace("_", "-").replace(".", "-") for d in distributions()}
    strangers = {name for name in installed if not name.startswith("callboard")} - {n.replace(".", "-") for n in known}
    assert sorted(strangers) == []


def test_scripts_of_pages_are_locked_by_hash():
    import json

    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [
        name for name, entry in packages.items() if name and not entry.get("link") and "integrity" not in entry
    ] == []
