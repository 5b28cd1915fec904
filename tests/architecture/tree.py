"""The source tree as the architecture tests look at it."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "callboard"
ROOMS = sorted(p.name for p in (PACKAGE / "plugins").iterdir() if (p / "plugin.py").is_file())


@cache
def parsed(file: Path) -> ast.Module:
    """Answer the syntax tree of a file."""
    return ast.parse(file.read_text(), str(file))


def modules(*, tests: bool = False, migrations: bool = False) -> list[Path]:
    """Answer the Python files of the product."""
    return sorted(
        file
        for file in PACKAGE.rglob("*.py")
        if (tests or "tests" not in file.parts) and (migrations or "migrations" not in file.parts)
    )


def name_of(file: Path) -> str:
    """Answer the path of a file as messages show it."""
    return str(file.relative_to(ROOT))


def room_of(file: Path) -> str:
    """Answer the room a file belongs to, or nothing."""
    parts = file.relative_to(PACKAGE).parts
    return parts[1] if parts[0] == "plugins" and len(parts) > 2 else ""


def in_module(file: Path, *names: str) -> bool:
    """Whether a file is, or belongs to the package, of one of these names inside its room or core part."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return len(parts) > 2 and parts[2] in names


def calls(node: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Answer every call with the last name of what is called."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            if isinstance(inner.func, ast.Name):
                yield inner, inner.func.id
            elif isinstance(inner.func, ast.Attribute):
                yield inner, inner.func.attr


def templates() -> list[Path]:
    """Answer the templates of the product."""
    return sorted(file for file in PACKAGE.rglob("*.html") if "templates" in file.parts and "tests" not in file.parts)


def tracked() -> list[Path]:
    """Answer the files that belong to the repository."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        # An unpacked source archive: everything in it was chosen.
        own = ("src", "tests", "docs", "assets", "examples")
        return [file for folder in own for file in (ROOT / folder).rglob("*") if file.is_file()]
    names = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return [file for file in names if file.is_file()]
