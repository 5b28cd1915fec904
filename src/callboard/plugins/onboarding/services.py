"""Bring repositories in: look at them, correct what is suggested, import them, or ask for a file by pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.lib.yaml12 import dump
from callboard.plugins.catalog.public import (
    as_file,
    entity_views,
    let_go,
    register_file,
    save_entities,
    take_over,
)
from callboard.plugins.hosts.public import FileChange, HostError, client_for, host
from callboard.plugins.onboarding.models import Repository
from callboard.plugins.onboarding.types import CATALOG_FILES, CODEOWNERS, Facts, Suggestion, entity_of, suggest
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.jobs import JobContext, start
from callboard.sdk.permissions import require

MAY = "onboarding.repositories.bring"
MOST = 5_000
BRANCH = "callboard/catalog-info"
FILE = "catalog-info.yaml"
PATIENCE = 120.0
"""Seconds a job waits when a host asks for fewer requests, before the repository is marked failed."""


def choose(host_name: str, names: Sequence[str]) -> list[Repository]:
    """Take repositories onto the list and have a worker look at them; those on it already are looked at anew."""
    require(MAY)
    names = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not names or len(names) > MOST or host(host_name) is None:
        raise ProblemError(
            Problem(
                "invalid",
                f"There is no host {host_name}." if host(host_name) is None else f"Choose 1 to {MOST:,} repositories.",
                "Choose repositories of a connected host.",
                Place(path="repositories"),
            )
        )
    who = principal().ref
    with transaction.atomic():
        Repository.objects.bulk_create(
            [Repository(host=host_name, full_name=name, created_by=who) for name in names], ignore_conflicts=True
        )
        rows = Repository.objects.filter(host=host_name, full_name__in=names)
        rows.filter(state__in=("ready", "failed", "waiting")).update(state="waiting", message="")
        record("onboarding.repositories.choose", host_name, {"count": len(names)})
        start("onboarding.look", title=f"Look at {len(names)} repositories", host=host_name)
    return list(rows)


def look_at_waiting(context: JobContext, host_name: str) -> None:
    """Look at every repository of a host that waits; what fails says why, and the others go on."""
    waiting = list(Repository.objects.filter(host=host_name, state__in=("waiting", "looking")).order_by("id"))
    found = host(host_name)
    for number, row in enumerate(waiting):
        context.progress(number, len(waiting), row.full_name)
        Repository.objects.filter(pk=row.pk).update(state="looking")
        try:
            _look(row, found.product if found else "")
        except HostError as error:
            row.state, row.message = "failed", str(error)
            context.log(f"{row.full_name}: {error}", "warning")
        row.save()
    context.progress(len(waiting), len(waiting), "")


def _look(row: Repository, product: str) -> None:
    with client_for(row.host, patience=PATIENCE) as client:
        found = client.repository(row.full_name)
        paths = [entry.path for entry in client.tree(found).entries if entry.type == "file"]

        def read(path: str) -> str:
            try:
                return client.read(row.full_name, path).text[:500_000]
            except HostError as error:
                if error.code in ("not-found", "too-large"):
                    return ""
                raise

        committers: list[str] = []
        if not set(CODEOWNERS) & set(paths) and client.supports("committers"):
            committers = [member.login or member.name for member, _ in client.committers(row.full_name, 50)]
        facts = Facts(
            found.full_name, found.url, found.description, found.language, found.default_branch, found.topics,
            found.archived, product,
        )  # fmt: skip
        components = suggest(facts, paths, read, committers)
    row.url = found.url
    row.facts = {
        "full_name": facts.full_name, "url": facts.url, "description": facts.description, "language": facts.language,
        "default_branch": facts.default_branch, "topics": list(facts.topics), "archived": facts.archived,
        "product": facts.product,
    }  # fmt: skip
    row.components = [one.as_dict() for one in components]
    row.catalog_file = next((path for path in paths if path in CATALOG_FILES), "")
    row.state = "ready"
    row.message = f"It has a {row.catalog_file} already; register that instead." if row.catalog_file else ""


def correct(row: Repository, components: Sequence[Mapping[str, Any]]) -> Repository:
    """Replace what is suggested for a repository by what a person says."""
    require(MAY)
    row.components = [Suggestion.of(values).as_dict() for values in components][:100]
    row.save(update_fields=["components", "changed_at"])
    return row


def import_repositories(rows: Sequence[Repository]) -> dict[str, list[str]]:
    """Import the components of repositories as entities that the portal manages; answer refs, and what was refused."""
    require(MAY)
    done: dict[str, list[str]] = {"imported": [], "rejected": []}
    for row in rows:
        if row.state not in ("ready", "imported"):
            done["rejected"].append(f"{row.full_name}: it is {row.state}")
            continue
        pushed = save_entities(_entities(row))
        bad = [str(problem) for item in pushed.items for problem in item.problems if item.result == "rejected"]
        good = [item.ref for item in pushed.items if item.result != "rejected"]
        done["imported"] += good
        done["rejected"] += [f"{row.full_name}: {text}" for text in bad]
        row.refs = sorted({*row.refs, *good})
        row.state, row.message = ("imported" if good else row.state), " ".join(bad)[:2000]
        row.save()
    record("onboarding.repositories.import", "", {"imported": len(done["imported"]), "rejected": len(done["rejected"])})
    return done


def request_files(rows: Sequence[Repository]) -> int:
    """Have a worker open a pull request in each repository that adds its catalog file; answer how many."""
    require(MAY)
    with transaction.atomic():
        pks = [row.pk for row in rows if row.state in ("ready", "imported", "failed") and not row.catalog_file]
        Repository.objects.filter(pk__in=pks).exclude(components=[]).update(state="requesting", message="")
        count = Repository.objects.filter(pk__in=pks, state="requesting").count()
        if count:
            record("onboarding.repositories.request", "", {"count": count})
            start("onboarding.request", title=f"Open {count} pull requests")
    return count


def open_pull_requests(context: JobContext) -> None:
    """Open the pull requests that were asked for; one that is open already is found again and not doubled."""
    rows = list(Repository.objects.filter(state="requesting").order_by("id"))
    for number, row in enumerate(rows):
        context.progress(number, len(rows), row.full_name)
        try:
            _request(row)
        except HostError as error:
            row.state, row.message = "failed", str(error)
            context.log(f"{row.full_name}: {error}", "warning")
        else:
            context.log(f"{row.full_name}: {row.pull_request}")
        row.save()
    context.progress(len(rows), len(rows), "")


def _request(row: Repository) -> None:
    # What the portal manages by now says more than what was suggested once.
    text = as_file(row.refs) if row.refs else ""
    text = text or "---\n".join(dump(entity) for entity in _entities(row))
    with client_for(row.host, patience=PATIENCE) as client:
        target = client.repository(row.full_name).default_branch
        request = client.find_pull_request(row.full_name, BRANCH, target)
        if request is None:
            client.commit(
                row.full_name, BRANCH, "Add catalog-info.yaml", [FileChange(FILE, text.encode())], start=target
            )
            request = client.open_pull_request(
                row.full_name,
                BRANCH,
                target,
                "Add catalog-info.yaml",
                "This file declares what the repository holds to the developer portal. "
                "Correct owner, type and lifecycle where they are wrong, then merge it.",
            )
    row.pull_request, row.pull_request_number, row.state = request.url, request.number, "requested"
    row.message = ""


def follow_pull_requests(context: JobContext) -> None:
    """Register the files of merged pull requests, and hand portal-managed entities over to them."""
    for row in Repository.objects.filter(state="requested").order_by("id"):
        try:
            _follow(row)
        except (HostError, ProblemError) as error:
            row.message = str(error)[:2000]
            context.log(f"{row.full_name}: {error}", "warning")
        row.save()


def _follow(row: Repository) -> None:
    with client_for(row.host, patience=PATIENCE) as client:
        state = client.pull_request(row.full_name, row.pull_request_number).state
        if state == "closed":
            row.state = "imported" if row.refs else "ready"
            row.message = "The pull request was closed without being merged."
        if state != "merged":
            return
        found = client.repository(row.full_name)
        type_, target = client.file_location(found, FILE)
    register_file(type_, target)
    if row.refs:
        let_go(row.refs)
    row.catalog_file, row.state, row.message = FILE, "file", ""


def manage_here(row: Repository) -> list[str]:
    """Have the portal manage the entities of a repository whose file spoke for them; the file may stay."""
    require(MAY)
    refs = row.refs or [f"component:default/{one.name}" for one in map(Suggestion.of, row.components) if one.include]
    refs = [ref for ref in refs if ref in entity_views(refs)]
    taken = take_over(refs)
    row.refs, row.state, row.message = taken, "imported", ""
    row.save()
    return taken


def forget(rows: Sequence[Repository]) -> int:
    """Take repositories off the list; entities stay as they are."""
    require(MAY)
    count, _ = Repository.objects.filter(pk__in=[row.pk for row in rows]).delete()
    record("onboarding.repositories.forget", "", {"count": count})
    return count


def _entities(row: Repository) -> list[dict[str, Any]]:
    facts = Facts(**{**row.facts, "topics": tuple(row.facts.get("topics") or ())})
    return [entity_of(one, facts) for one in map(Suggestion.of, row.components) if one.include]
