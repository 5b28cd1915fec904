"""Look through the repositories of a source host for catalog files, and at its people."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from callboard.plugins.catalog.public import Glob, GlobError, compile_glob
from callboard.plugins.hosts.public import HostClient, HostError, Repository, client_for
from callboard.plugins.sources.clients.entities import group_entity, name_of, user_entity
from callboard.plugins.sources.settings import GitSource, RepositoriesSource
from callboard.plugins.sources.types.found import Discovery, FoundFile, SourceError

Report = Callable[[int, int | None, str], None]
PATIENCE = 120.0
"""Seconds a run waits inside a request when a host asks for fewer; longer waits end the run."""


def look_through(
    settings: RepositoriesSource | GitSource, report: Report, *, only: Sequence[str] = (), limit: int = 0
) -> Discovery:
    """Find catalog files and people. ``only`` looks at these repositories alone, ``limit`` at so many."""
    found = Discovery()
    globs = _globs(settings.paths)
    try:
        with client_for(settings.connection, patience=PATIENCE) as client:
            for done, repository in enumerate(_wanted(client, settings, found, only), 1):
                found.looked_at["repositories"] += 1
                report(done, None, repository.full_name)
                _take_repository(client, settings, repository, globs, found)
                if limit and done >= limit:
                    found.complete = False
                    break
            if isinstance(settings, RepositoriesSource) and settings.people and not only:
                _take_people(client, settings, found, report)
    except HostError as error:
        raise SourceError(error.message, error.remedy, code=error.code, retry_after=error.retry_after) from None
    return found


def _globs(paths: Sequence[str]) -> list[Glob]:
    try:
        return [compile_glob(path.lstrip("/")) for path in paths]
    except GlobError as error:
        raise SourceError(f"A path cannot be used: {error}.", "Shorten it.") from None


def _wanted(
    client: HostClient, settings: RepositoriesSource | GitSource, found: Discovery, only: Sequence[str]
) -> Iterator[Repository]:
    if only or isinstance(settings, GitSource):
        for name in only or (settings.repositories if isinstance(settings, GitSource) else ()):
            try:
                repository = client.repository(name.strip("/"))
            except HostError as error:
                if only and error.code == "not-found":
                    continue
                _stop_where_hopeless(error)
                found.trouble(name, error.message, error.remedy, error.code)
                continue
            if isinstance(settings, GitSource) or fits(repository, settings):
                yield repository
        return
    owners = settings.organisations
    if not owners:
        owners = [one.path for one in client.organisations()]
        if settings.type == "azure":
            # The organisation itself holds the repositories of all its projects.
            owners = owners[:1]
    for owner in owners:
        found.looked_at["organisations"] += 1
        try:
            for repository in client.repositories(owner.strip("/")):
                if fits(repository, settings):
                    yield repository
                else:
                    found.looked_at["left out"] += 1
        except HostError as error:
            _stop_where_hopeless(error)
            found.trouble(owner, error.message, error.remedy, error.code)


def fits(repository: Repository, settings: RepositoriesSource) -> bool:
    """Whether a repository passes the filters."""
    if repository.archived and not settings.archived:
        return False
    if repository.fork and not settings.forks:
        return False
    if settings.visibility not in ("any", repository.visibility):
        return False
    names = (repository.name, repository.full_name)
    if not _passes(settings.repositories, lambda pattern: any(fnmatch.fnmatchcase(name, pattern) for name in names)):
        return False
    return _passes(settings.topics, lambda topic: topic in repository.topics)


def _passes(lines: Sequence[str], fits_line: Callable[[str], bool]) -> bool:
    wanted = [line for line in lines if not line.startswith("!")]
    unwanted = [line[1:].strip() for line in lines if line.startswith("!")]
    return not any(map(fits_line, unwanted)) and (not wanted or any(map(fits_line, wanted)))


def _take_repository(
    client: HostClient,
    settings: RepositoriesSource | GitSource,
    repository: Repository,
    globs: list[Glob],
    found: Discovery,
) -> None:
    if repository.empty:
        return
    try:
        tree = client.tree(repository, settings.branch)
        files = [one for one in tree.entries if one.type == "file" and any(glob.matches(one.path) for glob in globs)]
        revision = ""
        if files and not files[0].sha:
            # A host that tells no hashes of files tells the commit; then every file of it counts as changed.
            branch = client.branch(repository.full_name, settings.branch or repository.default_branch or "HEAD")
            revision = branch.commit if branch else ""
    except HostError as error:
        if error.code == "not-found" and settings.branch:
            found.looked_at["without the branch"] += 1
            return
        _stop_where_hopeless(error)
        found.trouble(repository.full_name, error.message, error.remedy, error.code)
        return
    if not tree.complete:
        found.trouble(
            repository.full_name,
            "The repository has more files than its host lists.",
            "Name the folders of catalog files under Files.",
        )
    for one in files:
        kind, target = client.file_location(repository, one.path, settings.branch)
        found.files.append(FoundFile(kind, target, repository.full_name, one.path, one.sha or revision))


def _stop_where_hopeless(error: HostError) -> None:
    """Let errors pass that the next repository would meet as well."""
    if error.code in ("rate-limited", "unauthorized", "not-connected") or (
        error.code == "refused" and not error.status
    ):
        raise error


def _take_people(client: HostClient, settings: RepositoriesSource, found: Discovery, report: Report) -> None:
    owners = settings.organisations or [one.path for one in client.organisations() if one.kind != "person"]
    if settings.type == "azure":
        owners = owners[:1] if not settings.organisations else owners
    product = settings.type
    people: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = {}
    for owner in owners:
        report(0, None, f"people of {owner}")
        try:
            if client.supports("teams"):
                _take_teams(client, settings, owner, found, groups)
            for member in client.members(owner):
                name = name_of(member.login)
                if not name or not member.active or name in people:
                    continue
                people[name] = user_entity(
                    name,
                    namespace=settings.namespace,
                    display_name=member.name,
                    email=member.email,
                    picture=member.picture,
                    annotations={f"{_annotation(product)}/user-login": member.login},
                )
        except HostError as error:
            _stop_where_hopeless(error)
            found.trouble(f"people of {owner}", error.message, error.remedy, error.code)
    for login, teams in groups.items():
        if login in people:
            people[login]["spec"]["memberOf"] = sorted(set(teams))
    found.entities.extend(people.values())
    found.looked_at["people"] += len(people)


def _take_teams(
    client: HostClient, settings: RepositoriesSource, owner: str, found: Discovery, groups: dict[str, list[str]]
) -> None:
    for team in client.teams(owner):
        name = name_of(team.slug.replace("/", "-"))
        if not name:
            found.trouble(team.slug, "The team has no name the catalog could take.", complete=True)
            continue
        for login in team.members:
            groups.setdefault(name_of(login), []).append(name)
        found.entities.append(
            group_entity(
                name,
                namespace=settings.namespace,
                display_name=team.title,
                description=team.description,
                parent=name_of(team.parent.replace("/", "-")),
                annotations={
                    f"{_annotation(settings.type)}/team-slug": team.slug
                    if "/" in team.slug
                    else f"{owner}/{team.slug}",
                    "backstage.io/view-url": team.url,
                },
            )
        )


def _annotation(product: str) -> str:
    """Answer the prefix of annotations that the original's providers use, where there is one."""
    known = {"github": "github.com", "gitlab": "gitlab.com", "azure": "dev.azure.com", "bitbucket": "bitbucket.org"}
    return known.get(product, "callboard.io")
