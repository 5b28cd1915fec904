"""What a plugin says of itself in `plugin.py`: pure data, read before Django starts."""

from callboard.core.registry.manifest import Manifest

__all__ = ["Manifest"]
