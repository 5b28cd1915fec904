"""Everything the onboarding room adds to the portal."""

from __future__ import annotations

from callboard.plugins.onboarding import api, jobs, views
from callboard.sdk.contributions import ApiRouter, CliCommand, Command, Contribution, Job, Page, Permission

_MAY = "onboarding.repositories.bring"

contributions: tuple[Contribution, ...] = (
    Permission(
        id=_MAY,
        title="Bring repositories in",
        action="create",
        administrative=True,
        description="Look through connected hosts with the portal's credentials, import, and open pull requests.",
    ),
    Page(
        id="onboarding.start",
        title="Bring repositories in",
        path="onboarding",
        view=views.choose_repositories,
        name="onboarding",
        permission=_MAY,
    ),
    Page(
        id="onboarding.repositories",
        title="Chosen repositories",
        path="onboarding/repositories",
        view=views.repository_list,
        name="onboarding-repositories",
        permission=_MAY,
    ),
    Page(
        id="onboarding.repository",
        title="Repository",
        path="onboarding/repositories/<uuid:uid>",
        view=views.repository_detail,
        name="onboarding-repository",
        permission=_MAY,
    ),
    Command(
        id="onboarding.do-bring",
        title="Bring repositories in",
        page="onboarding",
        icon="package-import",
        keywords=("onboard", "import", "github", "gitlab", "repositories", "add"),
        permission=_MAY,
        create=True,
        order=42,
    ),
    Job(id="onboarding.look", title="Look at repositories", run=jobs.look, lock="onboarding.look", retries=1),
    Job(id="onboarding.request", title="Open pull requests", run=jobs.request, lock="onboarding.request", retries=1),
    Job(
        id="onboarding.follow",
        title="Follow pull requests",
        run=jobs.follow,
        schedule="*/10 * * * *",
        lock="onboarding.follow",
        hidden=True,
    ),
    ApiRouter(
        id="onboarding.api",
        title="Onboarding",
        prefix="onboarding",
        router=api.api,
        description="Bring repositories into the catalog without writing YAML.",
    ),
    CliCommand(id="onboarding.cli", title="Onboarding", name="onboarding", app="callboard.plugins.onboarding.cli:app"),
)
