"""What somebody may ask of the relations explorer, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["both", "out", "in"]
Fold = Literal["", "system", "domain"]
DIRECTIONS: tuple[Direction, ...] = ("both", "out", "in")
FOLDS: tuple[Fold, ...] = ("", "system", "domain")
DEPTHS = (1, 2, 3, 4, 5)
STRUCTURE = ("domain", "system", "component", "api", "resource")
"""Kinds shown unless others are chosen: what is built, without the people and files behind it."""


@dataclass(frozen=True)
class Exploration:
    """Which part of the graph is wanted.

    With ``root`` it is what lies within ``depth`` relations of that entity; with ``goal`` as well, the
    shortest way from one to the other; with neither, everything of these kinds. ``relations`` are
    relation types as they are declared (``ownedBy``, never ``ownerOf``); empty means all.
    ``fold`` draws systems or domains in place of their parts.
    """

    kinds: tuple[str, ...] = STRUCTURE
    relations: tuple[str, ...] = ()
    root: str = ""
    goal: str = ""
    depth: int = 2
    direction: Direction = "both"
    fold: Fold = ""
