"""What one rendering may use: turns, seconds, characters. A template is code of somebody else."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field


class TemplatingError(ValueError):
    """A template that cannot be rendered; the message says what is wrong and, if known, in which line."""


class LimitError(TemplatingError):
    """A template that wants more than a rendering may use."""


@dataclass(frozen=True)
class Limits:
    """How much one rendering may use.

    ``turns`` counts passes through loops, calls and list items that are visited; ``produced`` all
    characters that operations and filters make on the way; ``output`` those of the result.
    """

    turns: int = 2_000_000
    seconds: float = 10.0
    produced: int = 200_000_000
    output: int = 20_000_000
    items: int = 100_000
    source: int = 2_000_000
    depth: int = 100


LIMITS = Limits()


@dataclass
class Budget:
    """What is left of the limits during one rendering."""

    limits: Limits = LIMITS
    turns: int = 0
    produced: int = 0
    began: float = field(default_factory=time.monotonic)

    def turn(self, count: int = 1) -> None:
        """Count a turn; every so often, look at the clock."""
        before = self.turns
        self.turns = before + count
        if self.turns > self.limits.turns:
            raise LimitError(f"it takes more than {self.limits.turns:,} turns; a loop or a macro does not end")
        if before >> 8 != self.turns >> 8:
            self.check_time()

    def check_time(self) -> None:
        """Stop when the time is over."""
        if time.monotonic() - self.began > self.limits.seconds:
            raise LimitError(f"it takes longer than {self.limits.seconds:g} seconds")

    def seconds_left(self) -> float:
        """Answer the time that is left, never nothing."""
        return max(0.01, self.limits.seconds - (time.monotonic() - self.began))

    def make(self, characters: int) -> None:
        """Say, before it is made, that a text of this length is about to be made."""
        self.produced += characters
        if characters > self.limits.output or self.produced > self.limits.produced:
            raise LimitError("it makes more text than a rendering may")

    def room_for(self, items: int) -> None:
        """Say that a list of this length is about to be made."""
        if items > self.limits.items:
            raise LimitError(f"it makes a list of {items:,} items; {self.limits.items:,} are allowed")
        self.turn(items)


_current: ContextVar[Budget | None] = ContextVar("callboard_template_budget", default=None)


def budget() -> Budget:
    """Answer the budget of the rendering that runs; outside of one, a fresh one."""
    return _current.get() or Budget()


class spending:  # noqa: N801 - reads as a statement: `with spending(limits):`
    """Give the block a budget; a rendering inside another shares the outer one's."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits

    def __enter__(self) -> Budget:
        outer = _current.get()
        found = outer or Budget(self._limits)
        self._token = _current.set(found)
        return found

    def __exit__(self, *exc: object) -> None:
        _current.reset(self._token)
