"""`fetch:*`: bring files into the workspace, as they are or filled in."""

from __future__ import annotations

from typing import Any

from callboard.plugins.scaffolder.actions.shapes import ANY_OBJECT, TARGET, TEXTS, TOKEN, URL, flag, obj, text
from callboard.plugins.scaffolder.services.context import ActionContext
from callboard.plugins.scaffolder.services.cookiecutters import fill_cookiecutter, fill_copier
from callboard.plugins.scaffolder.services.rendering import Filling, Patterns, copy_tree, fill_tree
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.plugins.scaffolder.types.templating import Style
from callboard.sdk.contributions import ActionExample, ScaffolderAction


def fetch_plain(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Copy a folder into the workspace."""
    tree = context.fetch(given["url"])
    target = context.workspace.clean(given.get("targetPath") or "")
    count = copy_tree(tree, target, context)
    context.log(f"Fetched {count} files into {target or 'the workspace'}")
    return {}


def fetch_plain_file(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Copy one file into the workspace."""
    file = _single(context, given["url"])
    context.workspace.write(given["targetPath"], file.content, executable=file.executable)
    context.log(f"Fetched {given['targetPath']}")
    return {}


def _single(context: ActionContext, url: str) -> Any:
    tree = context.fetch(url)
    if not tree.single:
        raise ActionError(f"{url} is a folder.", "Name a file, or use the action for folders.")
    return tree.files[0]


def fetch_template(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Copy a folder into the workspace, with names and contents filled in."""
    copied, untouched = given.get("copyWithoutTemplating"), given.get("copyWithoutRender")
    if copied and untouched:
        raise ActionError(
            "copyWithoutTemplating and copyWithoutRender cannot be used together.", "Use copyWithoutTemplating."
        )
    extension = given.get("templateFileExtension")
    cookiecutter = given.get("cookiecutterCompat") is True
    if extension and (copied or untouched or cookiecutter):
        raise ActionError(
            "templateFileExtension cannot be used together with copyWithoutTemplating or cookiecutterCompat.",
            "Files without the extension are copied as they are anyway.",
        )
    suffix = ".njk" if extension is True else str(extension or "")
    if suffix and not suffix.startswith("."):
        suffix = f".{suffix}"
    target = context.workspace.clean(given.get("targetPath") or "")
    tree = context.fetch(given["url"])
    filling = Filling(
        values=given.get("values") or {},
        style=_style(given),
        copied=Patterns(copied) if copied else None,
        untouched=Patterns(untouched) if untouched else None,
        extension=suffix,
        replace=given.get("replace") is True,
        name="cookiecutter" if cookiecutter else "values",
    )
    context.log(f"Processing {len(tree.files)} template files with input values")
    written = fill_tree(tree, target, filling, context)
    _remember(written, context)
    if tree.version:
        context.log(f"Template commit {tree.version}")
    context.log(f"Template result written to {target or 'the workspace'}: {len(written)} files")
    return {}


def _style(given: dict[str, Any]) -> Style:
    return Style(
        cookiecutter=given.get("cookiecutterCompat") is True,
        trim_blocks=given.get("trimBlocks") is True,
        lstrip_blocks=given.get("lstripBlocks") is True,
    )


def _remember(paths: list[str], context: ActionContext) -> None:
    context.made.setdefault("files", {}).update(dict.fromkeys(paths, ""))


def fetch_template_file(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Copy one file into the workspace, filled in."""
    target = given["targetPath"]
    if context.workspace.exists(target) and given.get("replace") is not True:
        context.log(f"File {target} already exists in workspace, not replacing.")
        return {}
    tree = context.fetch(given["url"])
    if not tree.single:
        raise ActionError(f"{given['url']} is a folder.", "Name a file, or use fetch:template.")
    cookiecutter = given.get("cookiecutterCompat") is True
    filling = Filling(
        values=given.get("values") or {},
        style=_style(given),
        replace=True,
        name="cookiecutter" if cookiecutter else "values",
    )
    folder, _, name = context.workspace.clean(target).rpartition("/")
    renamed = type(tree)(
        (type(tree.files[0])(_literal(name), tree.files[0].content, tree.files[0].executable),), single=True
    )
    written = fill_tree(renamed, folder, filling, context)
    _remember(written, context)
    context.log(f"Template file {given['url']} has been written to {target}")
    return {}


def _literal(name: str) -> str:
    # The name of the target is no template any longer: the step's input was rendered already.
    if "{{" in name or "{%" in name or "{#" in name:
        raise ActionError(f"{name} has braces in its name.", "Use another targetPath.")
    return name


_BLOCKS = {
    "trimBlocks": flag("Trim blocks", "Remove the line break after a block tag."),
    "lstripBlocks": flag("Strip before blocks", "Remove blanks in front of a block tag at the start of a line."),
}
_VALUES = {**ANY_OBJECT, "title": "Values", "description": "What the files find under `values`."}
_COMPAT = flag("Cookiecutter", "Files are written for cookiecutter: {{ cookiecutter.name }}, and the filter jsonify.")
_REPLACE = flag("Replace", "Write over files that are there already.")
_EMPTY = obj({})

actions: tuple[ScaffolderAction, ...] = (
    ScaffolderAction(
        id="fetch:plain",
        title="Fetch files",
        description="Downloads content and places it in the workspace, or optionally in a subdirectory specified by "
        "the `targetPath` input option.",
        input_schema=obj({"url": URL, "targetPath": TARGET, "token": TOKEN}, ("url",)),
        output_schema=_EMPTY,
        run=fetch_plain,
        local=True,
        examples=(ActionExample(description="Copy a folder beside the template", input={"url": "./skeleton"}),),
    ),
    ScaffolderAction(
        id="fetch:plain:file",
        title="Fetch a file",
        description="Downloads single file and places it in the workspace.",
        input_schema=obj({"url": URL, "targetPath": text("Target path"), "token": TOKEN}, ("url", "targetPath")),
        output_schema=_EMPTY,
        run=fetch_plain_file,
        local=True,
        examples=(
            ActionExample(
                description="Copy one file under another name",
                input={"url": "./files/licence.txt", "targetPath": "LICENSE"},
            ),
        ),
    ),
    ScaffolderAction(
        id="fetch:template",
        title="Fetch and fill in files",
        description="Downloads a skeleton, templates variables into file and directory names and content, and places "
        "the result in the workspace, or optionally in a subdirectory specified by the `targetPath` input option.",
        input_schema=obj(
            {
                "url": URL,
                "targetPath": TARGET,
                "values": _VALUES,
                "copyWithoutRender": {
                    **TEXTS,
                    "description": "Deprecated: patterns of files whose name stays as well.",
                },
                "copyWithoutTemplating": {**TEXTS, "description": "Patterns of files that are copied as they are."},
                "cookiecutterCompat": _COMPAT,
                "templateFileExtension": {
                    "type": ["string", "boolean"],
                    "description": "Fill in only files with this extension (true: .njk), and drop it.",
                },
                "replace": _REPLACE,
                **_BLOCKS,
                "token": TOKEN,
            },
            ("url",),
        ),
        output_schema=_EMPTY,
        run=fetch_template,
        local=True,
        examples=(
            ActionExample(
                description="Fill in a skeleton beside the template",
                input={"url": "./skeleton", "values": {"name": "${{ parameters.name }}"}},
            ),
        ),
    ),
    ScaffolderAction(
        id="fetch:template:file",
        title="Fetch and fill in a file",
        description="Downloads single file and places it in the workspace, templated.",
        input_schema=obj(
            {
                "url": URL,
                "targetPath": text("Target path"),
                "values": _VALUES,
                "cookiecutterCompat": _COMPAT,
                "replace": _REPLACE,
                **_BLOCKS,
                "token": TOKEN,
            },
            ("url", "targetPath"),
        ),
        output_schema=_EMPTY,
        run=fetch_template_file,
        local=True,
        examples=(
            ActionExample(
                description="Fill in one file",
                input={"url": "./files/owners.txt", "targetPath": "CODEOWNERS", "values": {"owner": "rigging"}},
            ),
        ),
    ),
    ScaffolderAction(
        id="fetch:cookiecutter",
        title="Fetch a cookiecutter template",
        description="Downloads a template for cookiecutter and fills it in. Hooks and extensions are not run.",
        input_schema=obj(
            {
                "url": URL,
                "targetPath": TARGET,
                "values": {**ANY_OBJECT, "title": "Values"},
                "copyWithoutRender": TEXTS,
                "extensions": TEXTS,
                "imageName": text("Image", "Of no effect: no container is needed."),
                "token": TOKEN,
            },
            ("url",),
        ),
        output_schema=_EMPTY,
        run=fill_cookiecutter,
        local=True,
        examples=(
            ActionExample(
                description="Use a template for cookiecutter",
                input={"url": "https://github.com/acme/cookiecutter-service/tree/main/", "values": {"name": "shop"}},
            ),
        ),
    ),
    ScaffolderAction(
        id="fetch:copier",
        title="Fetch a Copier template",
        description="Downloads a template for Copier and fills it in. Tasks, migrations and extensions are not run.",
        input_schema=obj({"url": URL, "targetPath": TARGET, "values": {**ANY_OBJECT, "title": "Answers"}}, ("url",)),
        output_schema=_EMPTY,
        run=fill_copier,
        local=True,
        examples=(
            ActionExample(
                description="Use a template for Copier",
                input={"url": "https://github.com/acme/copier-service/tree/main/", "values": {"name": "shop"}},
            ),
        ),
    ),
)
