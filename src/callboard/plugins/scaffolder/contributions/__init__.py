"""What this room adds to the portal."""

from callboard.plugins.scaffolder.contributions import access, doors, work

contributions = (*access.contributions, *work.contributions, *doors.contributions)
