"""One exception for everything that stops a command: what went wrong and how to mend it."""

from __future__ import annotations


class Problem(Exception):  # noqa: N818 - the CLI prints it as a problem with a remedy
    """Something an operator has to mend.

    ``code``    short machine-readable name, shown with ``--json``.
    ``remedy``  what to do about it, one or two sentences; empty where the message says it all.
    """

    def __init__(self, message: str, remedy: str = "", code: str = "problem") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code
