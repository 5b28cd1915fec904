"""Rules that a linter does not know: where writes live, how time and texts are handled, how long files are."""

import ast
import re

import pytest

from tests.architecture.tree import (
    PACKAGE,
    ROOT,
    calls,
    in_module,
    modules,
    name_of,
    parsed,
    room_of,
    templates,
    tracked,
)

MANAGER_WRITES = {"create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "update", "delete"}
WRITES = MANAGER_WRITES | {"save", "execute", "executemany", "record", "publish"}
ASKS = {"require", "authorize", "require_own"}

MACHINERY = {
    "core/audit/retention.py": "removes what is too old, for a job of the portal room",
    "core/auth/sessions.py": "notes where sessions are; the verb that ends one asks",
    "core/auth/signing.py": "makes keys when they are needed",
    "core/auth/throttle.py": "counts attempts of people who are nobody yet",
    "core/auth/token_check.py": "notes when a token was last used",
    "core/events/dispatch.py": "notes what became of a delivery",
    "core/events/publishing.py": "is the outbox itself; the service that publishes has asked",
    "core/events/sending.py": "notes what became of a delivery",
    "core/jobs/live.py": "writes progress of running jobs",
    "core/jobs/presence.py": "notes that a worker lives",
    "core/jobs/queue.py": "is the queue; the service that starts a run has asked",
    "core/jobs/recovery.py": "puts lost runs back",
    "core/jobs/running.py": "notes how runs end",
    "core/jobs/schedules.py": "notes when schedules are due",
    "core/registry/services.py": "stands below permissions",
}
"""Parts of the core that keep books of their own, outside of services."""

BELOW_PERMISSIONS = {"auth", "config", "registry", "audit"}
"""Floors of the core on which permissions do not exist yet; the portal room's verbs ask and call these."""

UNASKED = {
    "core/events/services.py:delete_old": "retention, for a job",
    "core/jobs/services.py:delete_finished": "retention, for a job",
    "plugins/catalog/services/applying.py:announce": "announces what the engine applied",
    "plugins/catalog/services/entities.py:star": "one's own list, which nobody else sees",
    "plugins/catalog/services/entities.py:star_all": "likewise",
    "plugins/catalog/services/leasing.py:living_readers": "reads who lives",
    "plugins/catalog/services/leasing.py:reader": "a lock is no write",
    "plugins/catalog/services/locations.py:follow_configuration": "the operator's configuration, read at start",
    "plugins/catalog/services/locations.py:refresh_sources": "part of verbs that have asked",
    "plugins/catalog/services/processing.py:claim": "the engine takes its next sources",
    "plugins/catalog/services/holding.py:hold_back": "part of the engine's transaction",
    "plugins/catalog/services/pushing.py:push_to": "part of verbs that have asked",
    "plugins/catalog/services/redirecting.py:follow_renames": "part of the engine's transaction",
    "plugins/catalog/services/removing.py:bury": "part of verbs that have asked",
    "plugins/catalog/services/removing.py:collect_unreachable": "the engine removes what no source brings",
    "plugins/catalog/services/removing.py:forget_expired": "retention, for a job",
    "plugins/catalog/services/removing.py:settle": "part of the engine's transaction",
    "plugins/catalog/services/stitching.py:lock_catalog": "a lock is no write",
    "plugins/catalog/services/stitching.py:mark_dirty": "part of the engine's transaction",
    "plugins/catalog/services/stitching.py:stitch_dirty": "the engine finishes what was written",
    "plugins/catalog/services/stitching.py:store_whole": "part of the engine's transaction",
    "plugins/catalog/services/stitching.py:surroundings": "a read of the engine",
    "plugins/hosts/services/ledger.py:forget_old_answers": "retention, for a job",
    "plugins/sources/services/running.py:forget_old": "retention, for a job",
    "plugins/onboarding/services.py:follow_pull_requests": "a schedule sees what became of what was asked for",
    "plugins/onboarding/services.py:look_at_waiting": "the job that a verb started, which has asked",
    "plugins/onboarding/services.py:open_pull_requests": "the job that a verb started, which has asked",
    "plugins/portal/services/accounts.py:start_as_guest": "nobody is signed in yet",
    "plugins/portal/services/accounts.py:use_link": "the link itself is the permission",
    "plugins/portal/services/sessions.py:note_failure": "notes what somebody tried",
    "plugins/portal/services/sessions.py:note_sign_in": "notes what somebody did",
    "plugins/portal/services/sessions.py:note_sign_out": "notes what somebody did",
    "plugins/scaffolder/services/cookiecutters.py:fill_cookiecutter": "files of a workspace; the step has asked",
    "plugins/scaffolder/services/cookiecutters.py:fill_copier": "likewise",
    "plugins/scaffolder/services/keeping.py:forget_workspace": "part of verbs that have asked",
    "plugins/scaffolder/services/keeping.py:save_workspace": "part of a task that runs",
    "plugins/scaffolder/services/queue.py:dispatch": "gives tasks their turn that were allowed when they were started",
    "plugins/scaffolder/services/running.py:end_task": "notes how tasks end",
    "plugins/scaffolder/services/running.py:run_task": "runs what was allowed; each step asks again",
    "plugins/scaffolder/services/tasks.py:start_task": "part of verbs that have asked",
    "plugins/scaffolder/services/tasks.py:tend": "care, for a job",
    "plugins/search/services/counting.py:erase_person": "erasure, for whoever may erase a person",
    "plugins/search/services/counting.py:forget_old": "retention, for a job",
    "plugins/search/services/counting.py:forget_searches": "one's own list, which nobody else sees",
    "plugins/search/services/counting.py:note_choice": "counts, of whatever the caller may find",
    "plugins/search/services/counting.py:remember_search": "one's own list, which nobody else sees",
    "plugins/search/services/counting.py:save_search": "one's own list, which nobody else sees",
    "plugins/search/services/counting.py:use_clicks_for_ranking": "the nightly job puts counts to use",
    "plugins/signin/services/entering.py:forget_outcomes": "retention, for a job",
    "plugins/signin/services/entering.py:note_failure": "notes what somebody tried",
    "plugins/signin/services/entering.py:use_once": "notes that an assertion was used",
    "plugins/signin/services/flow.py:saml_answer": "keeps an answer for a moment; nobody is signed in yet",
    "plugins/signin/services/programs.py:ask": "notes a question; the person's answer is the permission",
    "plugins/signin/services/programs.py:register_program": "opens nothing until a person allows it",
    "plugins/signin/services/programs.py:revoke": "the token itself is the permission",
    "plugins/rbac/services/policies.py:decisions_changed": "part of verbs that have asked",
    "plugins/rbac/services/requests.py:decide_request": "asks whether one owns the role or manages all of them",
    "plugins/rbac/services/requests.py:expire_grants": "what has ended by itself, for a job",
    "plugins/rbac/services/viewing.py:finish_viewing": "whoever looks with other eyes may always stop",
    "plugins/techdocs/services/building.py:adopt_published": "takes note of what a pipeline put into the store",
    "plugins/techdocs/services/building.py:build_site": "the work of a job; whoever started it was asked",
    "plugins/techdocs/services/building.py:forget_sites": "follows entities that are gone",
    "plugins/techdocs/services/building.py:look_again": "readers bring about a look at the source, nothing else",
    "plugins/techdocs/services/changes.py:follow_entities": "follows what the catalog announced",
    "plugins/techdocs/services/feedback.py:count_reading": "counts, for whoever may read the page",
    "plugins/techdocs/services/folders.py:publish_folder": "a pipeline publishes its own folder",
    "plugins/techdocs/services/publishing.py:keep_facts": "part of a build",
    "plugins/techdocs/services/publishing.py:publish_site": "part of a build",
}
"""Public functions of services that write without asking for a permission, and why."""

LONGEST = 500
LONG = {"core/registry/contract.py": "the one list of all points, read from top to bottom"}


def short(file):
    return str(file.relative_to(PACKAGE))


def chain(node):
    """The dotted names that a call hangs on: `Thing.objects.filter(…).delete` gives Thing, objects, filter, delete."""
    names = []
    while isinstance(node, ast.Attribute | ast.Call):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        else:
            node = node.func
    if isinstance(node, ast.Name):
        names.append(node.id)
    return names[::-1]


def writes(file):
    for call, name in calls(parsed(file)):
        if (name == "save" and isinstance(call.func, ast.Attribute)) or (
            name in MANAGER_WRITES and "objects" in chain(call.func)
        ):
            yield call.lineno


def test_writes_stand_in_services():
    found = [
        f"{name_of(file)}:{line}"
        for file in modules()
        if not in_module(file, "services") and short(file) not in MACHINERY
        for line in writes(file)
    ]
    assert found == []


def test_views_and_apis_ask_selectors_and_not_models():
    found = [
        f"{name_of(file)}:{node.lineno}"
        for file in modules()
        if in_module(file, "views", "api", "mcp", "cli")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Attribute) and node.attr == "objects"
    ]
    assert found == []


def asks(function, helpers, seen=()):
    """Whether a function asks for a permission, itself or through a private function of its module."""
    called = {name for _, name in calls(function)}
    if called & ASKS:
        return True
    inner = [helpers[name] for name in called if name in helpers and name not in seen]
    return any(asks(helper, helpers, (*seen, helper.name)) for helper in inner)


def unasked():
    for file in modules():
        if not in_module(file, "services"):
            continue
        if not room_of(file) and file.relative_to(PACKAGE).parts[1] in BELOW_PERMISSIONS:
            continue
        functions = [node for node in parsed(file).body if isinstance(node, ast.FunctionDef)]
        helpers = {node.name: node for node in functions}
        for node in functions:
            if node.name.startswith("_") or not {name for _, name in calls(node)} & WRITES:
                continue
            if not asks(node, helpers, (node.name,)):
                yield f"{short(file)}:{node.name}"


def test_every_service_that_writes_asks_for_a_permission():
    assert sorted(unasked()) == sorted(UNASKED)


def test_times_know_their_zone():
    found = []
    for file in modules():
        for call, name in calls(parsed(file)):
            if name == "utcnow" or (name in {"now", "fromtimestamp"} and "datetime" in chain(call.func)):
                has_zone = len(call.args) > (name == "fromtimestamp") or any(k.arg == "tz" for k in call.keywords)
                if name == "utcnow" or not has_zone:
                    found.append(f"{name_of(file)}:{call.lineno}")
    assert found == []


def test_texts_for_translation_are_literals():
    found = []
    for file in modules():
        for call, name in calls(parsed(file)):
            if name in {"gettext", "gettext_lazy", "ngettext", "pgettext", "_"} and call.args:
                text = call.args[0]
                if isinstance(text, ast.JoinedStr | ast.BinOp) or (
                    isinstance(text, ast.Call) and chain(text.func)[-1:] == ["format"]
                ):
                    found.append(f"{name_of(file)}:{call.lineno}")
    assert found == []


INLINE = re.compile(
    r"<script(?![^>]*\ssrc=)[^>]*>|<style\b|\sstyle\s*=|\son[a-z]+\s*=|javascript:|hx-on", re.IGNORECASE
)


def test_templates_hold_no_script_and_no_style():
    found = [
        f"{name_of(file)}:{number}"
        for file in templates()
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if INLINE.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("<script>alert(1)</script>", '<script type="module" src="/x.js"></script>'),
        ('<p style="color: red">', '<c-badge data-style="red">'),
        ('<a onclick="go()">', '<a data-on="click">'),
        ('<a href="javascript:go()">', '<a href="/javascript">'),
    ],
)
def test_the_rule_about_templates_can_fail(bad, good):
    assert INLINE.search(bad)
    assert not INLINE.search(good)


def test_files_are_short():
    code = [file for file in modules() if short(file) not in LONG]
    long = {name_of(file): n for file in code if (n := len(file.read_text().splitlines())) > LONGEST}
    assert long == {}


# In the container the portal has a home of its own.
HOME = re.compile(r"(?<![\w.$}])/(?:home|Users)/(?!callboard/)[\w.-]+/|(?<![\w.$}])/(?:work|root)/[\w.-]")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".html", ".ts", ".mjs", ".scss", ".in", ".lock", ".json", ".sh", ""}


def test_no_file_names_somebodys_directory():
    found = []
    for file in tracked():
        if file.suffix in TEXT and file.resolve() != ROOT / "tests" / "architecture" / "test_code.py":
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                if HOME.search(line):
                    found.append(f"{name_of(file)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_lock_files_name_no_private_index():
    locks = [file for file in tracked() if file.suffix == ".lock"]
    assert locks, "there are no lock files"
    for file in locks:
        assert "://" not in file.read_text(), f"{name_of(file)} names an index"
    for file in tracked():
        if file.name == "package-lock.json":
            assert '"resolved"' not in file.read_text(), f"{name_of(file)} names an index"
