"""Put templates into the portal's shell: pages, navigation, commands."""

from __future__ import annotations

from callboard.plugins.scaffolder.selectors.tasks import approvals_for_me
from callboard.plugins.scaffolder.views import cards, gallery, tasks, wizard
from callboard.sdk.contributions import Command, Contribution, EntityCard, NavItem, Page

_READ, _TASKS = "scaffolder.template.parameter.read", "scaffolder.task.read"


def _badge(_request: object) -> str | None:
    count = approvals_for_me().count()
    return str(count) if count else None


contributions: tuple[Contribution, ...] = (
    Page(
        id="scaffolder.gallery",
        title="Create",
        path="create",
        view=gallery.template_gallery,
        name="create",
        permission=_READ,
    ),
    Page(
        id="scaffolder.actions",
        title="Actions",
        path="create/actions",
        view=gallery.action_list,
        name="create-actions",
        permission=_READ,
    ),
    Page(
        id="scaffolder.tasks",
        title="Tasks",
        path="create/tasks",
        view=tasks.task_list,
        name="create-tasks",
        permission=_TASKS,
    ),
    Page(
        id="scaffolder.task",
        title="Task",
        path="create/tasks/<uuid:task_id>",
        view=tasks.task_detail,
        name="create-task",
        permission=_TASKS,
    ),
    Page(
        id="scaffolder.task-live",
        title="Progress of a task",
        path="create/tasks/<uuid:task_id>/live",
        view=tasks.task_live,
        name="create-task-live",
        permission=_TASKS,
    ),
    Page(
        id="scaffolder.task-action",
        title="Change a task",
        path="create/tasks/<uuid:task_id>/<slug:action>",
        view=tasks.task_action,
        name="create-task-action",
        permission=_TASKS,
    ),
    Page(
        id="scaffolder.pick",
        title="Look something up",
        path="create/-/pick",
        view=wizard.pick,
        name="create-pick",
        permission=_READ,
    ),
    Page(
        id="scaffolder.check",
        title="Check answers",
        path="create/-/check/<str:namespace>/<str:name>",
        view=wizard.template_check,
        name="create-check",
        permission=_READ,
    ),
    Page(
        id="scaffolder.form",
        title="Use a template",
        path="create/templates/<str:namespace>/<str:name>",
        view=wizard.template_form,
        name="create-template",
        permission=_READ,
    ),
    EntityCard(
        id="scaffolder.entity-actions",
        title="Templates",
        render=cards.entity_actions,
        permission=_READ,
        order=70,
    ),
    NavItem(
        id="scaffolder.nav",
        title="Create",
        page="create",
        icon="circle-plus",
        permission=_READ,
        badge=_badge,
        order=30,
    ),
    Command(
        id="scaffolder.go",
        title="Create from a template",
        page="create",
        icon="template",
        keys="g n",
        keywords=("new", "scaffold", "template", "service", "golden path"),
        create=True,
        order=25,
    ),
    Command(
        id="scaffolder.go-tasks",
        title="Tasks of templates",
        page="create-tasks",
        icon="list-check",
        keywords=("scaffolder", "runs", "approvals", "created"),
        order=45,
    ),
    Command(
        id="scaffolder.go-actions",
        title="Actions of templates",
        page="create-actions",
        icon="tools",
        keywords=("steps", "reference"),
        order=55,
    ),
)
