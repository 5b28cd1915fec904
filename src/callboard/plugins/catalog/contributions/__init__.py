"""Everything the catalog adds to the portal."""

from __future__ import annotations

from callboard.plugins.catalog.contributions import access, doors, finding, pages, work
from callboard.plugins.catalog.selectors.people import CatalogDirectory
from callboard.plugins.catalog.types.kinds import BUILTIN_KINDS, BUILTIN_RELATIONS
from callboard.sdk.auth import use_people_directory
from callboard.sdk.contributions import Contribution

use_people_directory(CatalogDirectory())

contributions: tuple[Contribution, ...] = (
    *BUILTIN_KINDS,
    *BUILTIN_RELATIONS,
    *access.contributions,
    *work.contributions,
    *doors.contributions,
    *pages.contributions,
    *finding.contributions,
)

__all__ = ["contributions"]
