"""What an operator may set under `rbac:` in `callboard.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Stream(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$", description="By this name the portal remembers how far it got.")


class FileStream(_Stream):
    """Append every audit entry to a file, one JSON object a line."""

    type: Literal["file"]
    path: str


class SyslogStream(_Stream):
    """Send every audit entry to a syslog server (RFC 5424)."""

    type: Literal["syslog"]
    host: str = "127.0.0.1"
    port: int = Field(default=514, ge=1, le=65535)
    protocol: Literal["udp", "tcp"] = "udp"


class WebhookStream(_Stream):
    """Post audit entries in batches, as a JSON array, signed with HMAC-SHA256 of ``secret``."""

    type: Literal["webhook"]
    url: str
    secret: str = Field(default="", json_schema_extra={"secret": True})
    headers: dict[str, str] = Field(default_factory=dict, json_schema_extra={"secret": True})


class OpenTelemetryStream(_Stream):
    """Send audit entries as OpenTelemetry log records over OTLP/HTTP; ``endpoint`` ends in ``/v1/logs``."""

    type: Literal["opentelemetry"]
    endpoint: str
    headers: dict[str, str] = Field(default_factory=dict, json_schema_extra={"secret": True})


Stream = Annotated[FileStream | SyslogStream | WebhookStream | OpenTelemetryStream, Field(discriminator="type")]


class RbacSettings(BaseModel):
    """Access: how policies are published, requests decided, and where the audit record is sent."""

    model_config = ConfigDict(extra="forbid")

    second_approver: bool = Field(
        default=False, description="A policy is published only after somebody other than its last editor approved it."
    )
    request_days: int = Field(default=30, ge=1, le=365, description="For how long access is granted at most.")
    policy_file: str = Field(
        default="", description="A policy file to compare the portal's policy with: drift is shown."
    )
    streams: list[Stream] = Field(default_factory=list, description="Where the audit record is sent as it grows.")
    stream_allow: list[str] = Field(
        default_factory=list,
        description="Private addresses or networks that webhook and OpenTelemetry streams may reach.",
    )
