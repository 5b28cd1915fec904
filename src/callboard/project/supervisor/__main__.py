"""Run the supervisor with the plan that `callboard up` left in the environment."""

from __future__ import annotations

import sys

from callboard.core.config.console import fail
from callboard.project.problems import Problem
from callboard.project.supervisor.plan import Plan
from callboard.project.supervisor.run import Supervisor

try:
    sys.exit(Supervisor(Plan.take()).run())
except Problem as problem:
    fail(problem.message, problem.remedy, code=problem.code)
