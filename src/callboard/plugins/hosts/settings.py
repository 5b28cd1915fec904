"""What an operator may set under `hosts:` in `callboard.yaml`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ProductName = Literal["github", "gitlab", "bitbucket", "bitbucket-server", "azure", "gitea", "gerrit", "git"]


class ConnectionSettings(BaseModel):
    """How to reach and sign in to one source host."""

    model_config = ConfigDict(extra="forbid")

    product: ProductName = Field(description="Which product the host runs.")
    url: str = Field(
        default="",
        max_length=500,
        pattern=r"^(https?://[^\s@]+)?$",
        description="Address people open in the browser; empty means the product's public service.",
        json_schema_extra={"title": "Address", "placeholder": "https://github.example.com"},
    )
    token: str = Field(
        default="",
        max_length=20_000,
        description="Token or password; it is sent to this host alone.",
        json_schema_extra={"secret": True, "title": "Token"},
    )
    username: str = Field(
        default="",
        max_length=300,
        description="Name that goes with the token, where the product asks for one.",
        json_schema_extra={"title": "User name"},
    )
    app_id: str = Field(
        default="",
        max_length=100,
        description="Number of the GitHub App (App ID), to sign in as an app instead of with a token.",
        json_schema_extra={"title": "App ID"},
    )
    app_key: str = Field(
        default="",
        max_length=20_000,
        description="Private key of the GitHub App: the whole .pem file.",
        json_schema_extra={"secret": True, "lines": 4, "title": "Private key"},
    )
    webhook_secret: str = Field(
        default="",
        max_length=500,
        description="What the host signs its webhooks with. Webhooks are refused without it.",
        json_schema_extra={"secret": True, "title": "Webhook secret"},
    )
    private: bool = Field(
        default=False,
        description="The host may be on a private network or on this machine.",
        json_schema_extra={"title": "It is on a private network"},
    )
    api_url: str = Field(
        default="",
        max_length=500,
        pattern=r"^(https?://[^\s@]+)?$",
        description="Address of the interface for programs, where it is not the product's usual one.",
        json_schema_extra={"title": "API address", "advanced": True},
    )


class HostsSettings(BaseModel):
    """Connections to source hosts that stand in the file; more are made in the UI."""

    model_config = ConfigDict(extra="forbid")

    connections: dict[str, ConnectionSettings] = Field(
        default_factory=dict, description="Connections by a name of your choice."
    )
    timeout_seconds: float = Field(default=30, gt=0, le=600, description="Seconds a host has for an answer.")
