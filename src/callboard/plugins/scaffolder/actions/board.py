"""`catalog:*`, `debug:*` and notes: the portal itself."""

from __future__ import annotations

from typing import Any

from callboard.lib.problems import ProblemError
from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.scaffolder.actions.shapes import ANY_OBJECT, TEXTS, flag, many, number, obj, text
from callboard.plugins.scaffolder.selectors.entities import entities_named
from callboard.plugins.scaffolder.services.context import ActionContext
from callboard.plugins.scaffolder.services.registering import entity_at, register, shown
from callboard.plugins.scaffolder.services.requests import send_request
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.sdk.contributions import ActionExample, ScaffolderAction

MOST_SECONDS = 600.0


def debug_log(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Say something, and list the workspace."""
    if given.get("message"):
        context.log(str(given["message"]))
    listing = given.get("listWorkspace")
    if listing:
        names = list(context.workspace.files())
        if listing == "with-contents":
            for name in names:
                context.log(f"  - {name}:\n\n  {context.workspace.read(name).decode('utf-8', 'replace')}")
        else:
            context.log("Workspace:\n" + "\n".join(f"  - {name}" for name in names))
    return {}


def debug_wait(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Do nothing for a while."""
    seconds = 60 * given.get("minutes", 0) + given.get("seconds", 0) + given.get("milliseconds", 0) / 1000
    if seconds > MOST_SECONDS:
        raise ActionError(f"Waiting {seconds:g} seconds is longer than the {MOST_SECONDS:g} that are allowed.", "")
    context.log(f"Waiting for {seconds:g} seconds")
    if not context.dry_run:
        context.wait(seconds)
    return {}


def catalog_fetch(given: dict[str, Any], _context: ActionContext) -> dict[str, Any]:
    """Read entities of the catalog, as the person who started the task."""
    ref, refs = given.get("entityRef"), given.get("entityRefs")
    if not ref and not refs:
        if given.get("optional"):
            return {}
        raise ActionError("Missing entity reference or references.", "Give entityRef or entityRefs.")
    try:
        wanted = [
            str(EntityRef.parse(name, given.get("defaultKind"), given.get("defaultNamespace")))
            for name in (refs or [ref])
        ]
    except RefError as error:
        raise ActionError(str(error), "Correct the reference.") from error
    found = entities_named(wanted)
    missing = [name for name in wanted if name not in found]
    if missing and not given.get("optional"):
        raise ActionError(f"Entity {missing[0]} not found.", "Is it in the catalog, and may you see it?")
    if refs:
        return {"entities": [found.get(name) for name in wanted]}
    return {"entity": found.get(wanted[0])}


def catalog_write(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Write an entity file."""
    import yaml  # noqa: PLC0415 - written by few steps

    path = given.get("filePath") or "catalog-info.yaml"
    entity = given["entity"]
    context.log(f"Writing {path}")
    if context.template_ref:
        entity = {
            **entity,
            "metadata": {
                **(entity.get("metadata") or {}),
                "annotations": {
                    **((entity.get("metadata") or {}).get("annotations") or {}),
                    "backstage.io/source-template": context.template_ref,
                },
            },
        }
    context.workspace.write(path, yaml.safe_dump(entity, sort_keys=False, allow_unicode=True).encode())
    return {}


def catalog_register(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Register the file of an entity."""
    url = _address(given)
    context.log(f"Registering {shown(url)} in the catalog")
    if context.dry_run:
        return {"catalogInfoUrl": url, "entityRef": "component:default/example"}
    try:
        ref = register(url, optional=given.get("optional") is True, context=context)
    except ProblemError as error:
        raise ActionError(str(error), "The file must be readable and hold entities.") from error
    return {"catalogInfoUrl": url, **({"entityRef": ref} if ref else {})}


def _address(given: dict[str, Any]) -> str:
    if given.get("catalogInfoUrl"):
        return str(given["catalogInfoUrl"])
    contents = given.get("repoContentsUrl")
    if not contents:
        raise ActionError(
            "Nothing to register was named.", "Give catalogInfoUrl, or repoContentsUrl with catalogInfoPath."
        )
    return entity_at(str(contents), str(given.get("catalogInfoPath") or "/catalog-info.yaml"))


def http_request(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Send a request to a host that the operator has allowed."""
    return send_request(given, context)


_REQUEST = obj(
    {
        "url": text("Address", "https, to a host of scaffolder.http_allow."),
        "method": text("Method", enum=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], default="GET"),
        "headers": {**ANY_OBJECT, "title": "Headers"},
        "params": {**ANY_OBJECT, "title": "Query"},
        "body": {"title": "Body", "description": "A text, or an object that is sent as JSON."},
        "timeout": number("Seconds", maximum=120),
        "continueOnBadResponse": flag("Go on when the answer is an error"),
    },
    ("url",),
)

actions: tuple[ScaffolderAction, ...] = (
    ScaffolderAction(
        id="debug:log",
        title="Log",
        description="Writes a message into the log and/or lists all files in the workspace.",
        input_schema=obj(
            {
                "message": text("Message"),
                "listWorkspace": {
                    "type": ["boolean", "string"],
                    "enum": [True, False, "with-filenames", "with-contents"],
                },
            }
        ),
        output_schema=obj({}),
        run=debug_log,
        local=True,
        read_only=True,
        examples=(ActionExample(description="Write a message", input={"message": "Hello!"}),),
    ),
    ScaffolderAction(
        id="debug:wait",
        title="Wait",
        description="Waits for a certain period of time.",
        input_schema=obj(
            {
                "minutes": number("Minutes", minimum=0),
                "seconds": number("Seconds", minimum=0),
                "milliseconds": number("Milliseconds", minimum=0),
            }
        ),
        output_schema=obj({}),
        run=debug_wait,
        local=True,
        read_only=True,
        examples=(ActionExample(description="Wait five seconds", input={"seconds": 5}),),
    ),
    ScaffolderAction(
        id="catalog:fetch",
        title="Fetch entities",
        description="Returns entity or entities from the catalog by entity reference(s)",
        input_schema=obj(
            {
                "entityRef": text("Entity reference"),
                "entityRefs": TEXTS,
                "optional": flag("Optional"),
                "defaultKind": text("Default kind"),
                "defaultNamespace": text("Default namespace"),
            }
        ),
        output_schema=obj({"entity": ANY_OBJECT, "entities": many(ANY_OBJECT)}),
        run=catalog_fetch,
        read_only=True,
        examples=(ActionExample(description="Fetch one", input={"entityRef": "component:default/shop"}),),
    ),
    ScaffolderAction(
        id="catalog:write",
        title="Write an entity file",
        description="Writes the catalog-info.yaml for your template",
        input_schema=obj({"entity": ANY_OBJECT, "filePath": text("File", default="catalog-info.yaml")}, ("entity",)),
        output_schema=obj({}),
        run=catalog_write,
        local=True,
        examples=(
            ActionExample(
                description="Write the file of a component",
                input={
                    "entity": {
                        "apiVersion": "backstage.io/v1alpha1",
                        "kind": "Component",
                        "metadata": {"name": "shop"},
                        "spec": {"type": "service", "lifecycle": "production", "owner": "team-a"},
                    }
                },
            ),
        ),
    ),
    ScaffolderAction(
        id="catalog:register",
        title="Register in the catalog",
        description="Registers entities from a catalog descriptor file in the workspace into the software catalog.",
        input_schema=obj(
            {
                "catalogInfoUrl": text("Address of the file"),
                "repoContentsUrl": text("Repository contents", "As a publish action answers it."),
                "catalogInfoPath": text("Path in the repository", default="/catalog-info.yaml"),
                "optional": flag("Optional", "Go on when the file is not there."),
            }
        ),
        output_schema=obj({"entityRef": {"type": "string"}, "catalogInfoUrl": {"type": "string"}}),
        run=catalog_register,
        dry_run=catalog_register,
        idempotent=True,
        examples=(
            ActionExample(
                description="Register what was published",
                input={"repoContentsUrl": "${{ steps.publish.output.repoContentsUrl }}"},
            ),
        ),
    ),
    *(
        ScaffolderAction(
            id=id_,
            title="Send a request",
            description="Sends an HTTP request to a host that the operator has allowed (`scaffolder.http_allow`).",
            input_schema=_REQUEST,
            output_schema=obj({"code": {"type": "integer"}, "headers": ANY_OBJECT, "body": {}}),
            run=http_request,
            examples=(ActionExample(description="Ask something", input={"url": "https://api.example.com/v1/ping"}),),
        )
        for id_ in ("http:request",)
    ),
)
