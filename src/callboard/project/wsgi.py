"""The WSGI application that the web processes serve."""

from __future__ import annotations

import os
import signal

from django.core.wsgi import get_wsgi_application

from callboard.core.config.current import portal_config
from callboard.project import processes
from callboard.project.boot import settle_memory
from callboard.project.logging import configure

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callboard.project.settings")
_config = portal_config()
configure(_config.log.level, _config.log.format)

(_config.data_dir / "static").mkdir(mode=0o755, exist_ok=True)  # WhiteNoise warns of a directory that is not there

# A web process whose master was killed would keep the port from its successor.
_ask = processes.die_with_parent(signal.SIGTERM, parent=os.getppid())
if _ask is not None and os.environ.get("CALLBOARD_WEB") == "1":
    _ask()

application = get_wsgi_application()
settle_memory()
