"""What can be wrong with a change to access."""

from __future__ import annotations

from collections.abc import Iterable

from callboard.lib.problems import Problem


class AccessError(ValueError):
    """Something about access that cannot be; ``field`` names the input to mend, ``problems`` say where."""

    def __init__(self, message: str, field: str = "", problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.field = field
        self.problems = tuple(problems)


class MissingError(AccessError):
    """There is no such policy, role, request or grant."""


class OutdatedError(AccessError):
    """Somebody else changed it meanwhile."""
