"""What goes wrong with tasks and steps, and what an action is told."""

from __future__ import annotations

from typing import Any


class ScaffolderError(Exception):
    """Something that was asked for cannot be done; the message says why, ``remedy`` what to do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UnknownTemplateError(ScaffolderError):
    """There is no such template, or none that the caller may see."""


class UnknownTaskError(ScaffolderError):
    """There is no such task, or none that the caller may see."""


class WrongAnswersError(ScaffolderError):
    """Answers that do not fit the questions; ``mistakes`` says which."""

    def __init__(self, mistakes: list[Any], pages: list[int] | None = None) -> None:
        count = len(mistakes)
        super().__init__(f"{count} answers do not fit the questions" if count != 1 else "One answer does not fit")
        self.mistakes = mistakes
        self.pages = pages or [0] * count


class ActionError(ScaffolderError):
    """A step that cannot be done; raised by actions on purpose, so that no traceback is needed."""


class StateError(ScaffolderError):
    """The task is not in a state in which that can be done."""


FALSE = (False, None, "", 0, "false")


def falls_away(value: Any) -> bool:
    """Whether the value of ``if`` means that a step is left out."""
    return (isinstance(value, list) and not value) or any(value is item or value == item for item in FALSE)
