"""Look through any source: the one door of this package."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from callboard.plugins.sources.settings import (
    BucketSource,
    GitSource,
    HttpSource,
    KubernetesSource,
    LdapSource,
    PeopleFileSource,
    RepositoriesSource,
    SourceSettings,
)
from callboard.plugins.sources.types.found import Discovery, SourceError

Report = Callable[[int, int | None, str], None]


def look(
    settings: SourceSettings,
    report: Report,
    *,
    roots: list[str] | None = None,
    only: Sequence[str] = (),
    limit: int = 0,
) -> Discovery:
    """Answer what a source brings; raises :class:`SourceError` where it cannot be looked through at all.

    ``only`` narrows repositories to those named, ``limit`` is for a first look. Libraries are imported for the
    kind of source alone that needs them.
    """
    if isinstance(settings, (RepositoriesSource, GitSource)):
        from callboard.plugins.sources.clients.repositories import look_through  # noqa: PLC0415

        return look_through(settings, report, only=only, limit=limit)
    if isinstance(settings, LdapSource):
        from callboard.plugins.sources.clients.ldap import read_directory  # noqa: PLC0415

        return read_directory(settings, limit)
    if isinstance(settings, KubernetesSource):
        from callboard.plugins.sources.clients.kubernetes import read_cluster  # noqa: PLC0415

        return read_cluster(settings, limit)
    if isinstance(settings, BucketSource):
        from callboard.plugins.sources.clients.buckets import read_bucket  # noqa: PLC0415

        return read_bucket(settings, limit)
    if isinstance(settings, PeopleFileSource):
        from callboard.plugins.sources.clients.people_files import read_people  # noqa: PLC0415

        return read_people(settings, roots or [], limit)
    if isinstance(settings, HttpSource):
        from callboard.plugins.sources.clients.http_api import read_api  # noqa: PLC0415

        return read_api(settings, limit)
    raise SourceError(f"Nothing is known of sources like {type(settings).__name__}.")


def check(settings: SourceSettings, roots: list[str] | None = None) -> str:
    """Try a source with as little as possible; answer one sentence, or raise :class:`SourceError`."""
    if isinstance(settings, (RepositoriesSource, GitSource)):
        from callboard.plugins.hosts.public import HostError, client_for  # noqa: PLC0415

        try:
            with client_for(settings.connection) as client:
                if isinstance(settings, GitSource):
                    return f"{client.repository(settings.repositories[0].strip('/')).full_name} can be read."
                who = client.whoami()
                for owner in settings.organisations:
                    next(iter(client.repositories(owner.strip("/"))), None)
        except HostError as error:
            raise SourceError(error.message, error.remedy, code=error.code, retry_after=error.retry_after) from None
        return f"Signed in to {client.access.host} as {who.login}."
    if isinstance(settings, LdapSource):
        from callboard.plugins.sources.clients.ldap import check_directory  # noqa: PLC0415

        return f"Signed in as {check_directory(settings)}."
    if isinstance(settings, KubernetesSource):
        from callboard.plugins.sources.clients.kubernetes import check_cluster  # noqa: PLC0415

        return f"{check_cluster(settings)} answers."
    found = look(settings, lambda _done, _total, _text: None, roots=roots, limit=1)
    looked = ", ".join(f"{count} {word}" for word, count in found.looked_at.items()) or "nothing"
    return f"It can be read: {looked} in the first look."
