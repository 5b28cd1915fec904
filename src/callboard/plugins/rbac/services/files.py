"""Policies as files: YAML out and in without loss, comments kept; the community's files in; drift; assertions."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.lib.yaml12 import Document, Limits, read_documents
from callboard.plugins.rbac.models import Policy
from callboard.plugins.rbac.selectors.active import document_of, memberships
from callboard.plugins.rbac.selectors.differing import PolicyDiff, differences
from callboard.plugins.rbac.selectors.explaining import explain
from callboard.plugins.rbac.services.errors import AccessError
from callboard.plugins.rbac.services.policies import begin_draft, find_policy, save_draft, settings
from callboard.plugins.rbac.types.community import Imported, read_community
from callboard.plugins.rbac.types.document import PolicyDocument
from callboard.plugins.rbac.types.reading import document_to_data, read_document
from callboard.plugins.rbac.types.ready import starting_policy
from callboard.sdk.auth import ANONYMOUS, GUEST, Principal, everybody
from callboard.sdk.contributions import Permission
from callboard.sdk.permissions import require
from callboard.sdk.plugins import contribution

LIMITS = Limits(bytes=8 * 1024 * 1024, documents=200, depth=60, nodes=1_000_000)
FILE = "policy.yaml"


def read_policy_file(text: str | bytes, url: str = FILE) -> PolicyDocument:
    """Read a policy file; raise :class:`ProblemError` with the lines of everything that is wrong."""
    documents = read_documents(text, url, LIMITS)
    problems = [item for item in documents if isinstance(item, Problem)]
    found = [item for item in documents if isinstance(item, Document)]
    if problems:
        raise ProblemError(problems)
    if len(found) != 1:
        raise ProblemError(
            Problem("policy", f"The file holds {len(found)} documents.", "Write exactly one policy.", Place(url))
        )
    try:
        return read_document(found[0].value)
    except ProblemError as error:
        raise ProblemError(at_lines(error.problems, found[0], url)) from error


def at_lines(problems: tuple[Problem, ...], document: Document, url: str) -> list[Problem]:
    """Answer problems with the lines of a file they are about."""
    named = [Problem(p.code, p.message, p.remedy, Place(url, path=p.place.path), p.severity) for p in problems]
    return document.pin(named)


def located(text: str | bytes, url: str, problem: Problem) -> Problem:
    """Answer a problem of a policy with its line in the file that was read without one."""
    document = next(item for item in read_documents(text, url, LIMITS) if isinstance(item, Document))
    return at_lines((problem,), document, url)[0]


def import_policy(text: str, *, into: Policy | None = None, url: str = FILE) -> Policy:
    """Make a draft of a policy file, or replace a draft's content with it; its comments are kept for the export."""
    try:
        document = read_policy_file(text, url)
    except ProblemError as error:
        raise AccessError(
            _("The file cannot be used: %(first)s") % {"first": error.problems[0]}, "file", error.problems
        ) from error
    if into is not None:
        return save_draft(into.pk, document, source=text)
    return begin_draft(document, source=text)


def import_community(csv_text: str, conditions: str = "") -> tuple[Policy, Imported]:
    """Make a draft of the community plugin's files; what could not be read is told line by line."""
    values: list[tuple[Any, int]] = []
    problems: list[Problem] = []
    for item in read_documents(conditions, "conditional-policies.yaml", LIMITS) if conditions.strip() else []:
        if isinstance(item, Problem):
            problems.append(item)
        else:
            many = item.value if isinstance(item.value, list) else [item.value]
            values += [(value, item.line) for value in many]
    imported = read_community(csv_text, values)
    imported.problems[:0] = problems
    if not imported.document.roles:
        raise AccessError(_("There is no role in these files."), "file", imported.problems)
    return begin_draft(imported.document), imported


def export_policy(row: Policy) -> str:
    """Answer a version as YAML: with the comments of the file it came from, and everything changed since."""
    require("policy.entity.read")
    return write_policy(document_of(row), row.source)


def write_policy(document: PolicyDocument, source: str = "") -> str:
    """Answer a policy as YAML; ``source`` is an earlier text whose comments and order are to stay."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - of use to few processes
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    data: Any = document_to_data(document)
    if source:
        try:
            if read_policy_file(source) == document:
                return source
            kept = yaml.load(source)
            data = _merged(kept, data)
        except (ProblemError, YAMLError):
            pass  # a text that cannot be read has no comments to keep
    out = io.StringIO()
    yaml.dump(data, out)
    return out.getvalue()


def _merged(kept: Any, new: Any) -> Any:
    """Bring new values into a text that was read with its comments; what stays equal stays as it was written."""
    if isinstance(kept, dict) and isinstance(new, Mapping):
        for key in [key for key in kept if key not in new and key != "tests"]:
            del kept[key]
        for key, value in new.items():
            kept[key] = _merged(kept[key], value) if key in kept else value
        return kept
    if isinstance(kept, list) and isinstance(new, list):
        named = {item["name"]: item for item in kept if isinstance(item, dict) and "name" in item}
        merged = []
        for value in new:
            if isinstance(value, Mapping) and value.get("name") in named:
                merged.append(_merged(named[value["name"]], value))
            else:
                same = next((item for item in kept if item == value), None)
                merged.append(value if same is None else same)
        comments = dict(kept.ca.items) if hasattr(kept, "ca") else {}
        places = {id(item): place for place, item in enumerate(kept) if isinstance(item, dict | list)}
        texts = {item: place for place, item in reversed(list(enumerate(kept))) if isinstance(item, str)}
        kept[:] = merged
        if hasattr(kept, "ca"):
            kept.ca.items.clear()
            for place, item in enumerate(merged):
                before = places.get(id(item)) if isinstance(item, dict | list) else texts.get(item)
                if before is not None and before in comments:
                    kept.ca.items[place] = comments[before]
        return kept
    return kept if kept == new else new


@dataclass(frozen=True)
class Drift:
    """How the policy in force differs from the file it should be equal to."""

    path: str
    diff: PolicyDiff | None
    problem: str = ""


def drift() -> Drift | None:
    """Compare the policy in force with the file that the operator named; nothing if none is named."""
    require("policy.entity.read")
    path = settings().policy_file
    if not path:
        return None
    try:
        wanted = read_policy_file(Path(path).read_bytes(), path)
    except OSError as error:
        return Drift(path, None, _("The file cannot be read: %(error)s") % {"error": error.strerror or error})
    except ProblemError as error:
        return Drift(path, None, str(error.problems[0]))
    row = Policy.objects.filter(status=Policy.Status.PUBLISHED).first()
    return Drift(path, differences(document_of(row) if row else starting_policy(), wanted))


# --- Assertions -------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """One assertion and what came of it."""

    title: str
    passed: bool
    message: str
    line: int | None = None


def run_assertions(document: PolicyDocument, text: str | bytes, url: str) -> list[Outcome]:
    """Check assertions about a policy: each says who, which permission, perhaps which resource, and what is expected.

    ``tests: [{who: user:default/ada, groups: [team], can: [catalog.entity.read], on: component:default/x}]``
    """
    outcomes: list[Outcome] = []
    people = {who.ref: who for who in everybody()}
    for item in read_documents(text, url, LIMITS):
        if isinstance(item, Problem):
            raise ProblemError(item)
        value = item.value
        tests = value.get("tests") if isinstance(value, Mapping) else value
        if not isinstance(tests, list):
            raise ProblemError(
                Problem("rbac-test", "There are no tests.", "Write a list under `tests`.", item.place(url))
            )
        prefix = "tests" if isinstance(value, Mapping) else ""
        for n, test in enumerate(tests):
            place = item.place(url, f"{prefix}[{n}]")
            outcomes += _assert(document, test, place, people)
    return outcomes


def _assert(document: PolicyDocument, test: Any, place: Place, people: Mapping[str, Principal]) -> list[Outcome]:
    known = {"who", "groups", "administrator", "can", "cannot", "on"}
    if (
        not isinstance(test, Mapping)
        or "who" not in test
        or not ({"can", "cannot"} & test.keys())
        or test.keys() - known
    ):
        remedy = "Write who, can or cannot, and perhaps groups, administrator, on."
        raise ProblemError(Problem("rbac-test", "This is no assertion.", remedy, place))
    who = _caller(test, people)
    ref = str(test.get("on") or "")
    found = []
    for key, wanted in (("can", True), ("cannot", False)):
        names = test.get(key) or []
        for name in [names] if isinstance(names, str) else names:
            title = f"{test['who']} {key} {name}" + (f" on {ref}" if ref else "")
            permission = contribution(Permission, str(name))
            if permission is None:
                found.append(Outcome(title, False, f"there is no permission {name!r}", place.line))
                continue
            told = explain(document, memberships(), who, permission, ref)
            passed = (told.result != "deny") == wanted
            found.append(Outcome(title, passed, f"{told.result}: {told.reason}", place.line))
    return found


def _caller(test: Mapping[str, Any], people: Mapping[str, Principal]) -> Principal:
    """Answer whom an assertion is about: somebody there is, or somebody made up with these groups."""
    text = str(test["who"]).lower()
    if text in {"guest", "guests"}:
        return GUEST
    if text in {"anonymous", "nobody"}:
        return ANONYMOUS
    if text.startswith("service:"):
        return Principal("service", text, text, (text,), administrator=bool(test.get("administrator")))
    ref = text if ":" in text else f"user:default/{text}"
    if ref in people and "groups" not in test:
        return people[ref]
    groups = [str(g).lower() for g in test.get("groups") or ()]
    refs = (ref, *(g if ":" in g else f"group:default/{g}" for g in groups))
    return Principal("user", ref, ref, refs, administrator=bool(test.get("administrator")))


__all__ = [
    "Drift",
    "Outcome",
    "drift",
    "export_policy",
    "find_policy",
    "import_community",
    "import_policy",
    "located",
    "read_policy_file",
    "run_assertions",
    "write_policy",
]
