"""Run the supervisor with the plan that `callboard up` left in the environment."""

from __future__ import annotations

import sys

from callboard.core.config.console import Mode, fail
from callboard.project.problems import Problem
from callboard.project.supervisor.plan import Plan
from callboard.project.supervisor.run import Supervisor

plan = Plan.take()
Mode.json = plan.json
try:
    sys.exit(Supervisor(plan).run())
except Problem as problem:
    fail(problem.message, problem.remedy, code=problem.code)
