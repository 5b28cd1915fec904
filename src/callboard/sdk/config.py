"""The settings of the portal and of a plugin."""

from callboard.core.config.current import portal_config, room_settings

__all__ = ["portal_config", "room_settings"]
