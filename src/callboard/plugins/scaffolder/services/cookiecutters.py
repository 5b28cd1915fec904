"""Fill in templates that were written for cookiecutter and for Copier, without running code of theirs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from callboard.plugins.catalog.public import TreeAnswer, TreeFile
from callboard.plugins.scaffolder.clients.workspace import Workspace
from callboard.plugins.scaffolder.services.context import ActionContext
from callboard.plugins.scaffolder.services.rendering import Filling, Patterns, copy_tree, fill_tree
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.plugins.scaffolder.types.templating import Style, render_text

COOKIECUTTER = Style(cookiecutter=True)
COPIER_SECONDS = 120
COPIER_MEMORY_KB = 1_500_000


def fill_cookiecutter(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Fill in a template for cookiecutter the way cookiecutter does, in the sandbox of templates."""
    tree = context.fetch(given["url"])
    if given.get("extensions"):
        raise ActionError(
            "Extensions of Jinja are code, and code of templates is not run.", "Use filters that a plugin brings."
        )
    by_path = {file.path: file for file in tree.files}
    settings = by_path.get("cookiecutter.json")
    if settings is None:
        raise ActionError(f"{given['url']} has no cookiecutter.json.", "Is it a template for cookiecutter?")
    roots = {
        file.path.split("/")[0] for file in tree.files if "/" in file.path and "cookiecutter" in file.path.split("/")[0]
    }
    roots = {root for root in roots if "{{" in root}
    if len(roots) != 1:
        raise ActionError(
            f"{given['url']} has {len(roots)} folders with {{{{ cookiecutter.… }}}} in their name; one is needed.",
            "Correct the template.",
        )
    if any(file.path.startswith("hooks/") for file in tree.files):
        context.log("The template has hooks; they are code and were not run.", "warning")
    values = _answers(settings.content, given.get("values") or {})
    root = roots.pop()
    patterns = given.get("copyWithoutRender") or values.get("_copy_without_render")
    inside = TreeAnswer(tuple(file for file in tree.files if file.path.startswith(f"{root}/")))
    filling = Filling(
        values=values,
        style=COOKIECUTTER,
        copied=_below(root, patterns) if isinstance(patterns, list) and patterns else None,
        replace=True,
        name="cookiecutter",
    )
    # Beside the workspace of the task nothing is written: the top folder of the template becomes the target.
    top = render_text(root, {"cookiecutter": values}, style=COOKIECUTTER)
    stripped = TreeAnswer(
        tuple(TreeFile(f.path[len(root) + 1 :], f.content, f.executable, f.link) for f in inside.files),
        version=tree.version,
    )
    target = context.workspace.clean(given.get("targetPath") or "")
    written = fill_tree(stripped, target, filling, context)
    context.made.setdefault("files", {}).update(dict.fromkeys(written, ""))
    context.log(f"Filled in {len(written)} files of {top}")
    return {}


def _below(root: str, patterns: list[Any]) -> Patterns:
    """Patterns of cookiecutter match names and paths, with or without the top folder."""
    plain = [str(pattern).removeprefix(f"{root}/") for pattern in patterns]
    return Patterns([*plain, *(f"**/{pattern}" for pattern in plain if "/" not in pattern)])


def _answers(settings: bytes, given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        questions = orjson.loads(settings)
    except orjson.JSONDecodeError as error:
        raise ActionError(f"cookiecutter.json is no JSON: {error}", "Correct the template.") from error
    if not isinstance(questions, dict):
        raise ActionError("cookiecutter.json: an object was expected.", "Correct the template.")
    answers: dict[str, Any] = {}
    for name, default in questions.items():
        if name.startswith("_") and not name.startswith("__"):
            answers[name] = default
        elif isinstance(default, list):
            options = [_rendered(item, answers) for item in default]
            chosen = given.get(name, options[0] if options else "")
            if options and chosen not in options:
                raise ActionError(f"{name} must be one of {', '.join(map(str, options))}.", "Choose another value.")
            answers[name] = chosen
        else:
            answers[name] = given[name] if name in given else _rendered(default, answers)
    return {**answers, **{name: value for name, value in given.items() if name not in answers}}


def _rendered(value: Any, answers: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return render_text(value, {"cookiecutter": answers}, style=COOKIECUTTER)
    if isinstance(value, dict):
        return {_rendered(key, answers): _rendered(item, answers) for key, item in value.items()}
    if isinstance(value, list):
        return [_rendered(item, answers) for item in value]
    return value


_RUN_COPIER = (
    "import sys, json, copier;"
    "job = json.load(sys.stdin);"
    "copier.run_copy(job['source'], job['target'], data=job['data'], defaults=True, overwrite=True, quiet=True,"
    " unsafe=False, vcs_ref=None)"
)


def fill_copier(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Fill in a template for Copier, in a process of its own with limits on time and memory."""
    tree = context.fetch(given["url"])
    for file in tree.files:
        reads_more = b"!include" in file.content or b"_external_data" in file.content
        if file.path in {"copier.yml", "copier.yaml"} and reads_more:
            raise ActionError(
                "The template reads files from elsewhere (!include or _external_data), which is not done.",
                "Write everything into copier.yml.",
            )
    with tempfile.TemporaryDirectory(prefix="callboard-copier-") as directory:
        place = Path(directory)
        source, result = Workspace(place / "source").make(), Workspace(place / "result").make()
        copy_tree(tree, "", ActionContext(workspace=source))
        job = {"source": str(source.root), "target": str(result.root), "data": given.get("values") or {}}
        _run_limited([sys.executable, "-I", "-c", _RUN_COPIER], orjson.dumps(job), place, context)
        target = context.workspace.clean(given.get("targetPath") or "")
        written = []
        for name in result.files():
            path = f"{target}/{name}" if target else name
            where = result.path(name)
            if where.is_symlink():
                context.workspace.link(path, os.readlink(where))  # noqa: PTH115 - the text of the link is wanted
            else:
                context.workspace.write(path, result.read(name), executable=os.access(where, os.X_OK))
            written.append(path)
    context.made.setdefault("files", {}).update(dict.fromkeys(written, ""))
    context.log(f"Filled in {len(written)} files")
    return {}


def _run_limited(command: list[str], given: bytes, home: Path, context: ActionContext) -> None:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LC_ALL": "C.UTF-8"}
    limited = [
        "/bin/sh",
        "-c",
        f'ulimit -v {COPIER_MEMORY_KB} && ulimit -t {COPIER_SECONDS} && exec "$@"',
        "sh",
        *command,
    ]
    process = subprocess.Popen(
        limited,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=home,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(given, timeout=COPIER_SECONDS)
    except subprocess.TimeoutExpired:
        raise ActionError(f"Copier took longer than {COPIER_SECONDS} seconds.", "Simplify the template.") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode != 0:
        text = output.decode("utf-8", "replace").strip().replace(str(home), "")
        last = text.splitlines()[-1] if text else f"it ended with {process.returncode}"
        if "unsafe" in text.lower():
            raise ActionError(
                "The template wants to run code (tasks, migrations or extensions), which is not done.",
                "Take them out of copier.yml; use steps instead.",
            )
        raise ActionError(f"Copier failed: {context.masker.text(last)[:500]}", "Correct the template or the answers.")
