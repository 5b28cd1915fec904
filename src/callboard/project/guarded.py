"""Run the main function of a child process so that expected failures are sentences, not tracebacks."""

from __future__ import annotations

import sys
from collections.abc import Callable


def guarded(main: Callable[[], None]) -> int:
    """Run ``main``; answer the exit status after explaining what is known."""
    from callboard.core.config.console import fail
    from callboard.project.cli import _explain
    from callboard.project.problems import Problem

    try:
        main()
    except Problem as problem:
        fail(problem.message, problem.remedy, code=problem.code)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        _explain(error)
        raise
    sys.stdout.flush()
    return 0
