"""Exercise a portal that has the plugins of this directory installed; write what was seen as JSON.

Runs in a process of its own, because discovery, settings, apps and migrations happen once a process.
Each check stands for itself: one that raises leaves its traceback, and the others go on.
"""

import html
import json
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from callboard.project.boot import start_django

start_django()

from callboard_dummy import services  # noqa: E402
from callboard_dummy.models import Thing  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from callboard.plugins.catalog.public import entity_view  # noqa: E402
from callboard.plugins.catalog.selectors.problems import problems  # noqa: E402
from callboard.plugins.catalog.services.locations import register_location  # noqa: E402
from callboard.plugins.catalog.services.processing import process_due  # noqa: E402
from callboard.plugins.catalog.services.providers import run_provider  # noqa: E402
from callboard.project.doctor import examine  # noqa: E402
from callboard.project.migrating import migrate  # noqa: E402
from callboard.project.plugin_check import check_plugin  # noqa: E402
from callboard.sdk import contributions as points  # noqa: E402
from callboard.sdk import permissions  # noqa: E402
from callboard.sdk.audit import AuditEntry  # noqa: E402
from callboard.sdk.auth import ANONYMOUS, SYSTEM, Principal, act_as, create_token, create_user  # noqa: E402
from callboard.sdk.config import room_settings  # noqa: E402
from callboard.sdk.contributions import Contribution  # noqa: E402
from callboard.sdk.jobs import lines, run, start  # noqa: E402
from callboard.sdk.plugins import contribution, contributions, is_enabled, registry  # noqa: E402
from callboard.sdk.search import SearchRequest, refresh, search  # noqa: E402

COMMAND = "from callboard.project.cli import main; main()"
SOURCE = """
apiVersion: dummy.example.org/v1
kind: Puppet
metadata:
  name: marionette
  annotations: {dummy.example.org/seen: "yes"}
spec: {strings: 7, handledBy: puppeteers}
---
apiVersion: dummy.example.org/v1
kind: Puppet
metadata: {name: stringless}
spec: {strings: 0}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: forbidden}
spec: {type: service, lifecycle: production, owner: puppeteers}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: fatal}
spec: {type: service, lifecycle: production, owner: puppeteers}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: stage}
spec: {type: service, lifecycle: production, owner: puppeteers}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: puppeteers}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: troupe}
spec: {targets: [./troupe.yml]}
"""

Check = Callable[[], Any]
checks: list[Check] = []


def browser(**options: Any) -> Client:
    return Client(raise_request_exception=False, SERVER_NAME="localhost", **options)


admin, person = browser(), browser()


def check(function: Check) -> Check:
    checks.append(function)
    return function


def text(answer: Any) -> str:
    return answer.content.decode()


def command(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    return {"status": process.returncode, "out": out, "err": err}


def until(condition: Callable[[], Any], seconds: float = 40) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    return None


@check
def migrated() -> Any:
    return migrate()


@check
def people() -> Any:
    admin.force_login(create_user("ada", administrator=True))
    person.force_login(create_user("grace"))
    return True


@check
def listed() -> Any:
    """Every contribution of the dummy by its point, as the registry lists it, with the owner."""
    found: dict[str, list[str]] = {}
    for name in points.__all__:
        point = getattr(points, name)
        if isinstance(point, type) and issubclass(point, Contribution) and point is not Contribution:
            found[name] = [item.id for item in contributions(point) if registry.owner_of(item) == "dummy"]
    return found


@check
def settings() -> Any:
    return room_settings("dummy").greeting


@check
def demo_data() -> Any:
    with act_as(SYSTEM, "system"):
        for item in [item for item in contributions(points.DemoData) if registry.owner_of(item) == "dummy"] * 2:
            item.load()
    return list(Thing.objects.values_list("name", flat=True))


# --- Pages and navigation ------------------------------------------------------


@check
def page() -> Any:
    signed_in, anonymous = person.get("/dummy"), browser().get("/dummy")
    return {
        "status": signed_in.status_code,
        "text": text(signed_in),
        "anonymous": anonymous.status_code,
        "sent to": anonymous.headers.get("Location", ""),
    }


@check
def failing_page() -> Any:
    answer = person.get("/dummy/failing")
    loaded = next(p for p in registry.plugins() if p.plugin.name == "dummy")
    return {
        "status": answer.status_code,
        "text": text(answer),
        "faults": {key: fault.message for key, fault in loaded.faults.items()},
        "others": person.get("/dummy").status_code,
    }


@check
def palette() -> Any:
    return {
        "live": text(person.get("/palette?q=demo-th")),
        "command": text(person.get("/palette?q=marionette")),
    }


@check
def settings_tab() -> Any:
    return {"tabs": text(person.get("/settings")), "page": person.get("/settings/dummy").status_code}


def with_parts(client: Client, address: str) -> str:
    """Answer a page together with the parts of it that load later."""
    whole = text(client.get(address))
    for part in re.findall(r'hx-get="([^"]+)"', whole):
        if html.unescape(part).startswith("/"):
            whole += text(client.get(html.unescape(part), headers={"HX-Request": "true"}))
    return whole


@check
def appearance() -> Any:
    return text(person.get("/settings/appearance"))


# --- The catalog ------------------------------------------------------------------


def entity(ref: str) -> Any:
    with act_as(SYSTEM, "system"):
        found = entity_view(ref)
    return found.data if found else None


@check
def catalog() -> Any:
    place = Path.cwd() / "sources"
    place.mkdir(exist_ok=True)
    (place / "catalog-info.yaml").write_text(SOURCE)
    (place / "troupe.yml").write_text("hand: 1\nglove: 2\n")
    with act_as(SYSTEM, "cli"):
        source = register_location("file", str(place / "catalog-info.yaml"))
        process_due(only=[source.pk])
        process_due()
        run_provider("dummy.provider")
        found = [{"code": p.code, "ref": p.ref, "message": p.message, "remedy": p.remedy} for p in problems()]
    names = ("marionette", "stringless", "hand", "glove", "pinocchio", "punch", "judy", "kasper")
    return {
        "puppets": {name: entity(f"puppet:default/{name}") for name in names},
        "group": entity("group:default/puppeteers"),
        "stage": entity("component:default/stage"),
        "forbidden": entity("component:default/forbidden"),
        "fatal": entity("component:default/fatal"),
        "problems": found,
    }


@check
def bad_import() -> Any:
    place = Path.cwd() / "bad" / "troupe.yml"
    place.parent.mkdir(exist_ok=True)
    place.write_text("hand\n")
    with act_as(SYSTEM, "cli"):
        source = register_location("file", str(place))
        process_due(only=[source.pk])
        return [p.message for p in problems(source_id=source.pk)]


@check
def entity_page() -> Any:
    address = reverse("entity", args=["default", "puppet", "marionette"])
    whole = with_parts(person, address)
    links = {html.unescape(link) for link in re.findall(r'href="([^"]+)"', whole)}
    tabs = sorted(link for link in links if link.startswith(address) and link != address and "dummy" in link)
    other = with_parts(person, reverse("entity", args=["default", "component", "stage"]))
    return {
        "status": person.get(address).status_code,
        "overview": whole,
        "tabs": tabs,
        "tab": "".join(with_parts(person, link) for link in tabs),
        "other": other,
    }


@check
def catalog_page() -> Any:
    return text(person.get(reverse("catalog")))


@check
def home() -> Any:
    return with_parts(person, "/")


# --- Access ------------------------------------------------------------------------


class OwnersOnly:
    """Lets everybody see and add what is theirs."""

    def decide(self, permission: Any, who: Principal) -> Any:
        if permission.resource_type == "dummy-thing":
            use = permissions.RuleUse("IS_THING_OWNER", "dummy-thing", {"claims": list(who.ownership_refs)})
            return permissions.only_if(use, "things are seen by their owners")
        return permissions.DefaultPolicy().decide(permission, who)


@check
def rule() -> Any:
    with act_as(SYSTEM, "system"):
        services.add_thing("mine", "user:default/grace")
        services.add_thing("theirs", "user:default/ada")
    permissions.use_policy(OwnersOnly())
    try:
        page = text(person.get("/dummy"))
        grace = Principal("user", "user:default/grace", "Grace", ("user:default/grace",))
        return {
            "mine": "<li>mine</li>" in page,
            "theirs": "<li>theirs</li>" in page,
            "see mine": permissions.authorize("dummy.thing.read", "thing:mine", grace).result,
            "see theirs": permissions.authorize("dummy.thing.read", "thing:theirs", grace).result,
        }
    finally:
        permissions.use_policy(permissions.DefaultPolicy())


@check
def permission() -> Any:
    guest = Principal("guest", "user:default/guest", "Guest")
    return {
        "guest reads": permissions.decide("dummy.thing.read", guest).result,
        "guest adds": permissions.decide("dummy.thing.create", guest).result,
        "unknown": permissions.decide("dummy.thing.unknown", guest).result,
    }


# --- Doors -------------------------------------------------------------------------


@check
def api() -> Any:
    with act_as(SYSTEM, "system"):
        _, secret = create_token("robot", ["read", "write"], 1, None)
    client = browser(headers={"Authorization": f"Bearer {secret}"})
    document = client.get("/api/dummy/openapi.json")
    added = client.post("/api/dummy/things", {"name": "by-robot"}, content_type="application/json")
    wrong = client.post("/api/dummy/things", {"name": 7}, content_type="application/json")
    return {
        "paths": sorted(document.json()["paths"]),
        "added": [added.status_code, added.json()],
        "listed": client.get("/api/dummy/things").json(),
        "wrong": [wrong.status_code, wrong.json()],
        "anonymous": browser().get("/api/dummy/things").status_code,
        "audited": AuditEntry.objects.filter(action="dummy.thing.add", target="thing:by-robot", door="api").count(),
    }


@check
def metrics() -> Any:
    return text(browser().get("/metrics"))


@check
def doctor() -> Any:
    return [[item.name, item.status, item.message, item.remedy] for item in examine()]


@check
def shredder() -> Any:
    with act_as(SYSTEM, "system"):
        services.add_thing("private", "user:default/leaver")
        item = contribution(points.Shredder, "dummy.shredder")
        return {
            "export": item.export("user:default/leaver"),
            "erased": item.erase("user:default/leaver"),
            "left": item.export("user:default/leaver"),
        }


# --- Rooms to come: their contributions are listed and do what they say -------------


def found(text: str) -> dict[str, list[str]]:
    """Answer what somebody finds before and after it is listed, and what a stranger finds."""
    request = SearchRequest(text, types=("dummy-thing",), mode="keyword")
    before = [hit.title for hit in search(request).hits]
    refresh("dummy-thing", ["thing:mine"])
    with act_as(ANONYMOUS, "ui"):
        stranger = [hit.title for hit in search(request).hits]
    return {"before": before, "after": [hit.title for hit in search(request).hits], "stranger": stranger}


@check
def later() -> Any:
    action = contribution(points.ScaffolderAction, "dummy:carve")
    form = contribution(points.FormField, "dummy.strings-field")
    shout = contribution(points.TemplateFilter, "dummy.shout")
    fact = contribution(points.FactCollector, "dummy.strings")
    question = contribution(points.Check, "dummy.enough-strings")
    collator = contribution(points.SearchCollator, "dummy.search")
    tool = contribution(points.McpTool, "dummy.list-things")
    resource = contribution(points.McpResource, "dummy.thing")
    theme = contribution(points.Theme, "dummy.theme")
    with act_as(SYSTEM, "system"):
        facts = list(fact.collect(["puppet:default/marionette", "puppet:default/nobody"]))
        return {
            "action": action.run({"wood": "oak"}, None),
            "field": [form.validate(3, {}), form.validate(-1, {})],
            "filter": shout.apply("encore"),
            "facts": facts,
            "check": [question.passes({"dummy.strings": n}) for n in (1, 2, None)],
            "track": contribution(points.Track, "dummy.stagecraft").levels,
            "documents": [[d.title, d.authorization_ref] for d in collator.documents() if d.title == "mine"],
            "found": found("mine"),
            "tool": tool.call({"prefix": "demo"}),
            "resource": resource.read("callboard://dummy/demo-thing"),
            "theme": [dict(theme.light), dict(theme.dark)],
            "flag": contribution(points.Flag, "dummy-strings-visible").default,
            "notification": contribution(points.NotificationType, "dummy.news").template,
        }


# --- Work, with a real worker, and the command ----------------------------------------


@check
def command_line() -> Any:
    running = [command("dummy", "add", "by-command"), command("--json", "plugin", "list")]
    found = dict(zip(("add", "plugins"), [outcome(process) for process in running], strict=True))
    found["list"] = outcome(command("--json", "dummy", "list"))
    found["check"] = [str(problem) for problem in check_plugin("dummy")]
    return found


@check
def work() -> Any:
    log = Path("worker.log").open("w")  # noqa: SIM115 - closed with the process
    worker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "callboard.project.work"], stdout=log, stderr=subprocess.STDOUT
    )
    try:
        with act_as(SYSTEM, "cli"):
            run_id = start("dummy.make", prefix="worked", count=3)
            over = until(lambda: not run(run_id).active)
            announced = until(lambda: not Thing.objects.filter(name__startswith="worked", announced=False).exists())
            company = until(lambda: Thing.objects.filter(name="kept-company").exists())
            ended = run(run_id)
            return {
                "over": bool(over),
                "state": ended.state,
                "error": ended.error,
                "progress": [ended.progress_done, ended.progress_total],
                "log": [line.message for line in lines(run_id)],
                "made": list(Thing.objects.filter(name__startswith="worked").values_list("name", flat=True)),
                "announced": bool(announced),
                "company": bool(company),
                "worker": Path("worker.log").read_text()[-3000:],
            }
    finally:
        worker.terminate()
        worker.wait(20)
        log.close()


# --- Quarantine and the switch ----------------------------------------------------------


@check
def quarantine() -> Any:
    answer = admin.get("/admin/plugins")
    pages = {name: person.get(f"/broken_{name}").status_code for name in ("models", "sdk", "requires", "settings")}
    return {
        "plugins": {q.name: {"reason": q.reason, "remedy": q.remedy} for q in registry.quarantined()},
        "loaded": [p.plugin.name for p in registry.plugins()],
        "page": html.unescape(text(answer)),
        "status": answer.status_code,
        "details": {q.name: html.unescape(text(admin.get(f"/admin/plugins/{q.name}"))) for q in registry.quarantined()},
        "pages": pages,
    }


@check
def plugin_page() -> Any:
    return html.unescape(text(admin.get("/admin/plugins/dummy")))


@check
def switched_off() -> Any:
    from callboard.plugins.portal.public import disable_plugin, enable_plugin

    with act_as(SYSTEM, "cli"):
        disable_plugin("dummy")
    try:
        page = person.get("/dummy")
        return {
            "enabled": is_enabled("dummy"),
            "left": {name: ids for name, ids in listed().items() if ids},
            "status": page.status_code,
            "page": html.unescape(text(page)),
            "nav": text(person.get("/settings")),
            "palette": text(person.get("/palette?q=dummy")),
            "api": browser().get("/api/dummy/things").status_code,
            "metrics": text(browser().get("/metrics")),
            "doctor": [item.name for item in examine()],
            "command": outcome(command("dummy", "list")),
            "kind": permissions.decide("dummy.thing.read", SYSTEM).result,
        }
    finally:
        with act_as(SYSTEM, "cli"):
            enable_plugin("dummy")


@check
def switched_on() -> Any:
    return {"status": person.get("/dummy").status_code, "things": Thing.objects.count() > 0}


def main() -> None:
    report: dict[str, Any] = {}
    for function in checks:
        began = time.monotonic()
        try:
            report[function.__name__] = function()
        except Exception:
            report[function.__name__] = {"raised": traceback.format_exc()}
        report.setdefault("seconds", {})[function.__name__] = round(time.monotonic() - began, 2)
    Path(sys.argv[1]).write_text(json.dumps(report, default=str))


main()
