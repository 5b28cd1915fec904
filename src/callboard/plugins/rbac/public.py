"""What other rooms may use of access."""

from __future__ import annotations

from callboard.plugins.rbac.selectors.active import policy
from callboard.plugins.rbac.selectors.requests import waiting_for

__all__ = ["policy", "waiting_for"]
