"""What the supervisor is to run, handed over by the command that read the configuration."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

VARIABLE = "CALLBOARD_PLAN"


@dataclass(frozen=True)
class Plan:
    """Where to listen and what to start; an empty ``database_url`` means the embedded server."""

    host: str
    port: int
    base_url: str
    data_dir: str
    database_url: str
    workers: int
    threads: int
    demo: bool
    json: bool

    @property
    def url(self) -> str:
        """The address at which this machine reaches the portal."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    @property
    def public_url(self) -> str:
        """The address people use."""
        return self.base_url or self.url

    def dump(self) -> str:
        """Write the plan as text for the environment."""
        return json.dumps(asdict(self))

    @classmethod
    def take(cls) -> Plan:
        """Read the plan from the environment and remove it there: children need not see it."""
        return cls(**json.loads(os.environ.pop(VARIABLE)))
