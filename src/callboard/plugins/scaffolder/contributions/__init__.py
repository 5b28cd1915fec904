"""What this room adds to the portal."""

from callboard.plugins.scaffolder.contributions import access, doors, pages, work

contributions = (*access.contributions, *pages.contributions, *work.contributions, *doors.contributions)
