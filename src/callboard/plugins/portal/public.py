"""What other rooms and the command line may use: accounts, tokens and plugins, with permission and audit."""

from callboard.plugins.portal.services.accounts import (
    create_user,
    make_administrator,
    make_password_link,
    switch_user,
)
from callboard.plugins.portal.services.plugins import disable_plugin, enable_plugin
from callboard.plugins.portal.services.tokens import create_token, revoke_token, rotate_token

__all__ = [
    "create_token",
    "create_user",
    "disable_plugin",
    "enable_plugin",
    "make_administrator",
    "make_password_link",
    "revoke_token",
    "rotate_token",
    "switch_user",
]
