"""The settings of the portal and of a plugin, and how a plugin keeps secrets of its own.

A column of secrets is a :class:`SealedField`; what goes into it is made by :func:`seal_secret`.
"""

from callboard.core.config.current import portal_config, room_settings
from callboard.core.config.sealing import SealedField, open_secret, seal_secret
from callboard.lib.crypto import SealError

__all__ = ["SealError", "SealedField", "open_secret", "portal_config", "room_settings", "seal_secret"]
