"""Answer which repositories there are to bring in, and how far those are that somebody chose."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from callboard.plugins.hosts.public import Host, client_for, hosts
from callboard.plugins.onboarding.models import Repository
from callboard.plugins.onboarding.types import Suggestion
from callboard.sdk.permissions import require

MOST = 10_000
"""Repositories of one organisation that are listed."""
BUSY = ("waiting", "looking", "requesting")


@dataclass(frozen=True)
class Choice:
    """A repository to choose from, and how far it is if it was chosen before."""

    full_name: str
    description: str
    language: str
    archived: bool
    state: str


def connected_hosts() -> list[Host]:
    """Answer the hosts that can be looked through."""
    require("onboarding.repositories.bring")
    return list(hosts())


def organisations_of(host: str) -> list[tuple[str, str]]:
    """Answer path and title of everything that holds repositories on a host."""
    require("onboarding.repositories.bring")
    with client_for(host) as client:
        return [(item.path, item.title or item.path) for item in islice(client.organisations(), MOST)]


def repositories_of(host: str, owner: str, text: str = "") -> list[Choice]:
    """Answer the repositories of an organisation whose name or description has a text, by name."""
    require("onboarding.repositories.bring")
    known = dict(Repository.objects.filter(host=host).values_list("full_name", "state"))
    wanted = text.lower()
    with client_for(host) as client:
        found = [
            Choice(item.full_name, item.description, item.language, item.archived, known.get(item.full_name, ""))
            for item in islice(client.repositories(owner), MOST)
            if not item.empty and wanted in f"{item.full_name} {item.description}".lower()
        ]
    return sorted(found, key=lambda item: item.full_name.lower())


def chosen(state: str = "", text: str = "") -> QuerySet[Repository]:
    """Answer the repositories that were chosen, by name."""
    require("onboarding.repositories.bring")
    found = Repository.objects.order_by("full_name", "id")
    if state:
        found = found.filter(state=state)
    return found.filter(full_name__icontains=text) if text else found


def counts() -> dict[str, int]:
    """Answer how many repositories are in each state."""
    return dict(Repository.objects.order_by().values_list("state").annotate(n=Count("id")))


def busy() -> bool:
    """Whether anything is being looked at or asked for right now."""
    return Repository.objects.filter(state__in=BUSY).exists()


def one(uid: str) -> Repository | None:
    """Answer one repository by its id."""
    require("onboarding.repositories.bring")
    try:
        return Repository.objects.filter(uid=UUID(uid)).first()
    except ValueError:
        return None


def shape(row: Repository) -> dict[str, Any]:
    """Answer a repository as plain JSON."""
    return {
        "id": str(row.uid),
        "host": row.host,
        "repository": row.full_name,
        "url": row.url,
        "state": row.state,
        "message": row.message,
        "catalogFile": row.catalog_file,
        "pullRequest": row.pull_request,
        "components": row.components,
        "entityRefs": row.refs,
    }


def components_of(row: Repository) -> list[Suggestion]:
    """Answer what the repository is made of, as somebody left it."""
    return [Suggestion.of(values) for values in row.components]
