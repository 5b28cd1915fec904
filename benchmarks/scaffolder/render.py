#!/usr/bin/env python3
"""Render one template of 200 files with Callboard, with cookiecutter and with Copier, in the same run.

    python benchmarks/scaffolder/render.py

Every file is different, so that nothing is compiled beforehand. Seconds of processor time; smaller is better.
`again` renders the same template a second time, as a portal does for the next person.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FILES = 200
LINES = "\n".join(f"line {n} <name> {{% if <db> %}}db{{% endif %}}" for n in range(20))


def lines(name: str, condition: str) -> str:
    """Answer the lines of a file in one tool's spelling."""
    return LINES.replace("<name>", name).replace("<db>", condition)


def seconds(act: Callable[[], object]) -> float:
    """Answer the processor time that something takes."""
    began = time.process_time()
    act()
    return time.process_time() - began


def main() -> None:
    """Make the template three times, render each, print a table."""
    from callboard.project import testing

    testing.database_url()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callboard.project.settings")
    import copier
    import django
    from cookiecutter.main import cookiecutter

    django.setup()
    root = Path(tempfile.mkdtemp(prefix="callboard-bench-"))
    try:
        ours = our_template()
        theirs, copied = cookiecutter_template(root / "cookiecutter"), copier_template(root / "copier")
        rows = [
            ("Callboard", seconds(lambda: ours(root / "a"))),
            ("Callboard, again", seconds(lambda: ours(root / "b"))),
            (
                "cookiecutter",
                seconds(
                    lambda: cookiecutter(str(theirs), no_input=True, output_dir=str(root / "c"), default_config=True)
                ),
            ),
            ("Copier", seconds(lambda: copier.run_copy(str(copied), str(root / "d"), defaults=True, quiet=True))),
        ]
        print("| | seconds | files/s |\n|---|---|---|")
        for name, taken in rows:
            print(f"| {name} | {taken:.2f} | {FILES / taken:,.0f} |")
    finally:
        shutil.rmtree(root)


def our_template() -> Callable[[Path], object]:
    """Answer a function that renders with Callboard into a folder."""
    from callboard.plugins.catalog.public import TreeAnswer, TreeFile
    from callboard.plugins.scaffolder.clients.workspace import Workspace
    from callboard.plugins.scaffolder.services.context import ActionContext
    from callboard.plugins.scaffolder.services.rendering import Filling, fill_tree

    body = lines("${{ values.name }}", "values.db")
    tree = TreeAnswer(
        tuple(TreeFile(f"d{n % 10}/{n}-${{{{ values.name }}}}.txt", f"file {n}\n{body}".encode()) for n in range(FILES))
    )
    filling = Filling({"name": "shop", "db": True}, replace=True)
    return lambda folder: fill_tree(tree, "", filling, ActionContext(workspace=Workspace(folder).make()))


def cookiecutter_template(folder: Path) -> Path:
    """Write the template for cookiecutter."""
    for n in range(FILES):
        place = folder / "{{cookiecutter.name}}" / f"d{n % 10}"
        place.mkdir(parents=True, exist_ok=True)
        text = f"file {n}\n" + lines("{{ cookiecutter.name }}", "cookiecutter.db")
        (place / f"{n}-{{{{cookiecutter.name}}}}.txt").write_text(text)
    (folder / "cookiecutter.json").write_text('{"name": "shop", "db": "y"}')
    return folder


def copier_template(folder: Path) -> Path:
    """Write the template for Copier."""
    for n in range(FILES):
        place = folder / f"d{n % 10}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{n}-{{{{name}}}}.txt.jinja").write_text(f"file {n}\n" + lines("{{ name }}", "db"))
    (folder / "copier.yml").write_text("name: {type: str, default: shop}\ndb: {type: bool, default: true}\n")
    return folder


if __name__ == "__main__":
    main()
