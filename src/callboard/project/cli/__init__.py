"""The command `callboard`: it starts the portal, looks after it, and speaks for its plugins."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command; every expected failure ends in a message with a remedy, never in a traceback."""
    from callboard.core.config.console import Mode, fail
    from callboard.project.problems import Problem

    arguments = _take_global_options(sys.argv[1:], Mode)
    from callboard.project.cli.app import app

    try:
        app(args=arguments, prog_name="callboard")
    except Problem as problem:
        fail(problem.message, problem.remedy, code=problem.code)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except Exception as error:
        if not _explain(error):
            raise


def _explain(error: Exception) -> bool:
    """Say what an error of a layer below means for an operator; answer whether it was known."""
    from callboard.core.config.console import fail
    from callboard.lib.problems import ProblemError

    if isinstance(error, ProblemError):
        count = len(error.problems)
        fail(
            f"{count} problem{'s' if count > 1 else ''} found",
            code=error.problems[0].code,
            problems=error.problems,
        )
    if "django" in sys.modules:
        from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

        if isinstance(error, (OperationalError, InterfaceError)):
            from callboard.project.boot import unreachable

            problem = unreachable(error)
            fail(problem.message, problem.remedy, code=problem.code)
        if isinstance(error, ProgrammingError) and "does not exist" in str(error):
            fail(
                "the database has not been prepared for this version",
                "Run `callboard migrate` (or `callboard up`) first.",
                code="not-migrated",
            )
        if isinstance(error, DatabaseError):
            fail(f"the database refused: {str(error).strip()}", code="database")
    return False


def _take_global_options(arguments: list[str], mode: type) -> list[str]:
    """Take `--json`, `--config` and `--data-dir` from wherever they stand, so that all accept them."""
    rest: list[str] = []
    places = {"--config": "CALLBOARD_CONFIG", "--data-dir": "CALLBOARD_DATA_DIR"}
    items = iter(arguments)
    for item in items:
        if item == "--":
            return [*rest, item, *items]
        name, equals, value = item.partition("=")
        if item == "--json":
            mode.json = True  # type: ignore[attr-defined]
        elif name in places:
            given = value if equals else next(items, "")
            if not given:
                from callboard.core.config.console import fail

                fail(f"{name} needs a path", code="usage", status=2)
            os.environ[places[name]] = str(Path(given).expanduser().absolute())
        else:
            rest.append(item)
    return rest
