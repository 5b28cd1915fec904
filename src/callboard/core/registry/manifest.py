"""The manifest of a plugin: pure data that is read before Django starts."""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = re.compile(r"^[a-z][a-z0-9_]{1,30}$")


class ManifestError(ValueError):
    """A manifest that cannot be used; the message says what is wrong and how to mend it."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Who a plugin is and what it needs.

    ``name``      lower-case identifier; prefixes its URLs, settings keys, tables and contributions.
    ``version``   the plugin's own version.
    ``sdk``       range of SDK versions it works with, in the syntax of Python version specifiers.
    ``requires``  names of other plugins whose ``public`` module it imports.
    ``settings``  dotted path of its pydantic settings model, ``package.module:Class``; empty for none.
    ``optional``  whether people may switch it off.
    ``offline_commands``  names of its commands that work where no portal is, such as in a pipeline.
    """

    name: str
    title: str
    version: str
    description: str = ""
    sdk: str = ">=1,<2"
    requires: tuple[str, ...] = ()
    settings: str = ""
    optional: bool = True
    offline_commands: tuple[str, ...] = ()
    author: str = ""
    icon: str = "puzzle"

    def __post_init__(self) -> None:
        """Refuse a name that could not be a table prefix, a URL segment and a settings key at once."""
        if not NAME.match(self.name):
            raise ManifestError(
                f"plugin name {self.name!r} is not valid; use 2 to 31 lower-case letters, digits or "
                "underscores, starting with a letter"
            )
