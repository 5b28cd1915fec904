"""`fs:*` and friends: change files of the workspace."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from callboard.plugins.scaffolder.actions.shapes import ANY_OBJECT, TEXTS, flag, many, obj, text
from callboard.plugins.scaffolder.services.context import ActionContext
from callboard.plugins.scaffolder.services.rendering import Patterns
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.sdk.contributions import ActionExample, ScaffolderAction

MAX_UNPACKED = 200_000_000
MAX_MEMBERS = 10_000


def _matching(context: ActionContext, patterns: list[str]) -> list[str]:
    for pattern in patterns:
        context.workspace.clean(pattern.lstrip("!"))
    wanted = Patterns(patterns)
    return [name for name in context.workspace.files() if wanted.match(name)]


def delete(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Remove files and folders."""
    workspace = context.workspace
    for pattern in given["files"]:
        found = _matching(context, [pattern])
        clean = workspace.clean(pattern)
        if clean and workspace.exists(clean):
            workspace.remove_path(clean)
            context.log(f"File {clean} deleted successfully")
            continue
        for name in found:
            workspace.remove_path(name)
            context.log(f"File {name} deleted successfully")
        if not found:
            context.log(f"{pattern} matches nothing.", "warning")
    return {}


def rename(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Move files and folders."""
    workspace = context.workspace
    for item in given["files"]:
        start, end = workspace.path(item["from"]), workspace.path(item["to"])
        if not workspace.exists(item["from"]):
            raise ActionError(f"{item['from']} does not exist.", "Correct the path.")
        if workspace.exists(item["to"]):
            if item.get("overwrite") is not True:
                raise ActionError(f"{item['to']} exists already.", "Set overwrite, or choose another name.")
            workspace.remove_path(item["to"])
        workspace.folder(workspace.clean(item["to"]).rpartition("/")[0])
        start.rename(end)
        workspace.forget()
        context.log(f"File {item['from']} renamed to {item['to']} successfully")
    return {}


def readdir(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """List files and folders."""
    files: list[dict[str, str]] = []
    folders: list[dict[str, str]] = []
    for path in given["paths"]:
        clean = context.workspace.clean(path)
        prefix = f"{clean}/" if clean else ""
        for name in context.workspace.files(clean, folders=True):
            if not given.get("recursive") and "/" in name.rstrip("/")[len(prefix) :]:
                continue
            entry = {
                "name": name.rstrip("/").rsplit("/", 1)[-1],
                "path": name.rstrip("/"),
                "fullPath": name.rstrip("/"),
            }
            (folders if name.endswith("/") else files).append(entry)
    return {"files": files, "folders": folders}


def write(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Write a file."""
    content = given["content"]
    if given.get("preserveFormatting") is not True and isinstance(content, str):
        try:
            content = orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode()
        except orjson.JSONDecodeError:
            content = given["content"]
    context.workspace.write(given["path"], str(content).encode())
    return {"path": given["path"]}


def append(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Add to the end of a file."""
    before = context.workspace.read(given["path"]) if context.workspace.exists(given["path"]) else b""
    context.workspace.write(given["path"], before + given["content"].encode())
    return {"path": given["path"]}


def merge_values(first: Any, second: Any, *, lists: bool) -> Any:
    """Answer the first value with the second laid over it."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        merged = dict(first)
        for key, value in second.items():
            merged[key] = merge_values(first[key], value, lists=lists) if key in first else value
        return merged
    if lists and isinstance(first, list) and isinstance(second, list):
        return [*first, *(item for item in second if item not in first)]
    return second


def _given_object(value: Any, name: str) -> Any:
    if not isinstance(value, str):
        return value
    import yaml  # noqa: PLC0415 - for content that comes as a text

    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ActionError(f"{name} is neither JSON nor YAML: {error}", "Correct it.") from error


def merge_json(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Lay an object over a JSON file."""
    workspace, path = context.workspace, given["path"]
    before: Any = {}
    if workspace.exists(path):
        try:
            before = orjson.loads(workspace.read(path))
        except orjson.JSONDecodeError as error:
            raise ActionError(f"{path} is no JSON: {error}", "Correct the file.") from error
    merged = merge_values(before, _given_object(given["content"], "content"), lists=given.get("mergeArrays") is True)
    workspace.write(path, orjson.dumps(merged, option=orjson.OPT_INDENT_2) + b"\n")
    return {"path": path}


def merge_yaml(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Lay an object over a YAML file; comments and order stay."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - slow to import
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    workspace, path = context.workspace, given["path"]
    yaml = YAML()
    yaml.preserve_quotes = True
    before: Any = {}
    if workspace.exists(path):
        try:
            before = yaml.load(workspace.read(path).decode()) or {}
        except (YAMLError, UnicodeDecodeError) as error:
            raise ActionError(f"{path} is no YAML: {error}", "Correct the file.") from error
    content = _given_object(given["content"], "content")
    _lay_over(before, content, lists=given.get("mergeArrays") is True)
    buffer = io.StringIO()
    yaml.dump(before, buffer)
    workspace.write(path, buffer.getvalue().encode())
    return {"path": path}


def _lay_over(target: Any, content: Any, *, lists: bool) -> None:
    if not isinstance(target, dict) or not isinstance(content, Mapping):
        raise ActionError("Only objects can be merged.", "content and the file must both be objects.")
    for key, value in content.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _lay_over(target[key], value, lists=lists)
        elif lists and isinstance(value, list) and isinstance(target.get(key), list):
            target[key].extend(item for item in value if item not in target[key])
        else:
            target[key] = value


def regex_replace(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Replace in texts, by regular expressions with a time limit."""
    from callboard.plugins.scaffolder.types.values import Pattern  # noqa: PLC0415 - few templates do this

    values = []
    for rule in given["regExps"]:
        flags = "".join(flag_ for flag_ in rule.get("flags") or ["g"])
        pattern = Pattern(rule["pattern"], flags)
        for number, item in enumerate(rule["values"]):
            values.append({"key": item["key"], "value": pattern.replace(item["value"], rule["replacement"])})
            if number % 50 == 0:
                context.check()
    return {"values": values}


_REGEX_FLAGS = many({"type": "string", "enum": ["g", "m", "i", "y", "u", "s", "d"]}, "Flags")


def unpack(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Unpack an archive; members that lead out are refused, links and devices left out."""
    content = context.workspace.read(given["path"], MAX_UNPACKED)
    target = context.workspace.clean(given.get("targetPath") or "")
    count = 0
    total = 0
    for name, data, executable in _members(content, given["path"], context):
        count += 1
        total += len(data)
        if count > MAX_MEMBERS or total > MAX_UNPACKED:
            raise ActionError("The archive holds more than a workspace may.", "Use a smaller one.")
        context.workspace.write(f"{target}/{name}" if target else name, data, executable=executable)
    context.log(f"Unpacked {count} files")
    return {"count": count}


def _members(content: bytes, path: str, context: ActionContext) -> Iterator[tuple[str, bytes, bool]]:
    budget = MAX_UNPACKED
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                mode = member.external_attr >> 16
                if member.is_dir():
                    continue
                if stat.S_ISLNK(mode) or member.flag_bits & 1:
                    context.log(f"{member.filename} is a link or encrypted, and was left out.", "warning")
                    continue
                with archive.open(member) as file:
                    # What the archive says of its size may be a lie, so reading stops by itself.
                    data = file.read(budget + 1)
                budget -= len(data)
                if budget < 0:
                    raise ActionError("The archive holds more than a workspace may.", "Use a smaller one.")
                yield member.filename, data, bool(mode & stat.S_IXUSR)
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
            for found in archive:
                if found.isdir():
                    continue
                if not found.isreg():
                    context.log(f"{found.name} is no regular file, and was left out.", "warning")
                    continue
                handle = archive.extractfile(found)
                data = handle.read(budget + 1) if handle else b""
                budget -= len(data)
                if budget < 0:
                    raise ActionError("The archive holds more than a workspace may.", "Use a smaller one.")
                yield found.name, data, bool(found.mode & stat.S_IXUSR)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ActionError(f"{path} is no archive that can be read: {error}", "Use zip or tar.") from error


def pack(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Pack a folder into a zip."""
    buffer = io.BytesIO()
    folder = context.workspace.clean(given.get("path") or "")
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in context.workspace.files(folder):
            if not context.workspace.path(name).is_symlink():
                archive.writestr(name[len(folder) + 1 :] if folder else name, context.workspace.read(name))
    context.workspace.write(given["outputPath"], buffer.getvalue())
    return {"outputPath": given["outputPath"]}


def jmespath_query(given: dict[str, Any], _context: ActionContext) -> dict[str, Any]:
    """Take something out of an object."""
    import jmespath  # noqa: PLC0415 - few templates do this
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    try:
        return {"result": jmespath.search(given["expression"], given["data"])}
    except JMESPathError as error:
        raise ActionError(f"The expression cannot be used: {error}", "Correct it.") from error


_PATH = text("Path", "Relative to the workspace.")
_DATA: dict[str, Any] = {"type": ["object", "string"], "title": "Content"}

actions: tuple[ScaffolderAction, ...] = (
    ScaffolderAction(
        id="fs:delete",
        title="Delete files",
        description="Deletes files and directories from the workspace",
        input_schema=obj({"files": {**TEXTS, "description": "Paths and patterns."}}, ("files",)),
        output_schema=obj({}),
        run=delete,
        local=True,
        examples=(ActionExample(description="Leave a folder out", input={"files": ["migrations"]}),),
    ),
    ScaffolderAction(
        id="fs:rename",
        title="Rename files",
        description="Renames files and directories within the workspace",
        input_schema=obj(
            {"files": many(obj({"from": _PATH, "to": _PATH, "overwrite": flag("Overwrite")}, ("from", "to")))},
            ("files",),
        ),
        output_schema=obj({}),
        run=rename,
        local=True,
        examples=(ActionExample(description="Rename a file", input={"files": [{"from": "a.txt", "to": "b.txt"}]}),),
    ),
    ScaffolderAction(
        id="fs:readdir",
        title="List files",
        description="Reads files and directories from the workspace",
        input_schema=obj({"paths": TEXTS, "recursive": flag("Recursive")}, ("paths",)),
        output_schema=obj({"files": many(ANY_OBJECT), "folders": many(ANY_OBJECT)}),
        run=readdir,
        local=True,
        read_only=True,
        examples=(ActionExample(description="List everything", input={"paths": ["."], "recursive": True}),),
    ),
    ScaffolderAction(
        id="roadiehq:utils:fs:write",
        title="Write a file",
        description="Creates a file with the content on the given path",
        input_schema=obj(
            {"path": _PATH, "content": text("Content"), "preserveFormatting": flag("Leave JSON as it is")},
            ("path", "content"),
        ),
        output_schema=obj({"path": _PATH}),
        run=write,
        local=True,
        examples=(ActionExample(description="Write a file", input={"path": "VERSION", "content": "1.0.0"}),),
    ),
    ScaffolderAction(
        id="roadiehq:utils:fs:append",
        title="Add to a file",
        description="Append content to the end of the given file; it creates the file if it does not exist",
        input_schema=obj({"path": _PATH, "content": text("Content")}, ("path", "content")),
        output_schema=obj({"path": _PATH}),
        run=append,
        local=True,
        examples=(ActionExample(description="Add a line", input={"path": "hosts", "content": "shop\n"}),),
    ),
    *(
        ScaffolderAction(
            id=id_,
            title=f"Merge {kind}",
            description=f"Merges new data into an existing {kind} file",
            input_schema=obj(
                {"path": _PATH, "content": _DATA, "mergeArrays": flag("Merge lists")}, ("path", "content")
            ),
            output_schema=obj({"path": _PATH}),
            run=run,
            local=True,
            examples=(ActionExample(description=f"Change a {kind} file", input={"path": path, "content": {"a": 1}}),),
        )
        for id_, kind, path, run in (
            ("roadiehq:utils:json:merge", "JSON", "package.json", merge_json),
            ("roadiehq:utils:merge", "YAML", "values.yaml", merge_yaml),
        )
    ),
    ScaffolderAction(
        id="roadiehq:utils:zip",
        title="Pack a folder",
        description="Zips the content of the path",
        input_schema=obj({"path": _PATH, "outputPath": _PATH}, ("path", "outputPath")),
        output_schema=obj({"outputPath": _PATH}),
        run=pack,
        local=True,
        examples=(ActionExample(description="Pack a folder", input={"path": "dist", "outputPath": "dist.zip"}),),
    ),
    ScaffolderAction(
        id="archive:unpack",
        title="Unpack an archive",
        description="Unpacks a zip or tar of the workspace; members that lead out of it are refused.",
        input_schema=obj({"path": _PATH, "targetPath": _PATH}, ("path",)),
        output_schema=obj({"count": {"type": "integer"}}),
        run=unpack,
        local=True,
        examples=(ActionExample(description="Unpack", input={"path": "sdk.tar.gz", "targetPath": "vendor"}),),
    ),
    ScaffolderAction(
        id="regex:replace",
        title="Replace by regular expressions",
        description="Replaces strings that match a regular expression pattern with a replacement string",
        input_schema=obj(
            {
                "regExps": many(
                    obj(
                        {
                            "pattern": text("Pattern"),
                            "flags": _REGEX_FLAGS,
                            "replacement": text("Replacement"),
                            "values": many(obj({"key": text("Key"), "value": text("Value")}, ("key", "value"))),
                        },
                        ("pattern", "replacement", "values"),
                    )
                )
            },
            ("regExps",),
        ),
        output_schema=obj({"values": many(ANY_OBJECT)}),
        run=regex_replace,
        local=True,
        read_only=True,
        examples=(
            ActionExample(
                description="Replace in a text",
                input={"regExps": [{"pattern": "a+", "replacement": "b", "values": [{"key": "x", "value": "caat"}]}]},
            ),
        ),
    ),
    ScaffolderAction(
        id="data:query",
        title="Take something out of an object",
        description="Evaluates a JMESPath expression on an object.",
        input_schema=obj(
            {"data": {"title": "Data"}, "expression": text("JMESPath expression")}, ("data", "expression")
        ),
        output_schema=obj({"result": {}}),
        run=jmespath_query,
        local=True,
        read_only=True,
        examples=(ActionExample(description="Names of a list", input={"data": [{"n": 1}], "expression": "[].n"}),),
    ),
)
