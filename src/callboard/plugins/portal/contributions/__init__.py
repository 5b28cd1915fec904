"""Everything the portal room adds."""

from callboard.plugins.portal.contributions import access, administration, entrance, settings, work

contributions = (
    *access.contributions,
    *entrance.contributions,
    *settings.contributions,
    *administration.contributions,
    *work.contributions,
)
