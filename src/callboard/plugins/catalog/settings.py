"""What an operator may set under `catalog:` in `callboard.yaml`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LocationRule(BaseModel):
    """Where a rule applies: a location type with an exact target or a glob pattern."""

    model_config = ConfigDict(extra="forbid")

    type: str
    exact: str | None = None
    pattern: str | None = None


class CatalogRule(BaseModel):
    """Kinds that may come from the named locations (from anywhere, when none is named)."""

    model_config = ConfigDict(extra="forbid")

    allow: list[str]
    locations: list[LocationRule] = Field(default_factory=list)


class ConfiguredLocation(BaseModel):
    """A location that is always registered, with the extra kinds it may bring."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["file", "url", "git"] = "url"
    target: str
    presence: Literal["required", "optional"] = "required"
    rules: list[CatalogRule] = Field(default_factory=list)


class HostSettings(BaseModel):
    """How to talk to one source host; the token is sent to that host alone."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(default="", json_schema_extra={"secret": True})
    headers: dict[str, str] = Field(default_factory=dict, json_schema_extra={"secret": True})
    username: str = Field(default="", description="Name that goes with the token, where the host asks for one.")
    type: Literal["", "github", "gitlab", "bitbucket", "bitbucket-server", "gitea", "azure"] = Field(
        default="", description="Product of a self-hosted server whose addresses do not give it away."
    )
    ssh_key: str = Field(default="", description="Absolute path of the key for Git over ssh.")
    known_hosts: str = Field(default="", description="Absolute path of the host keys that Git over ssh believes.")


class ReadingSettings(BaseModel):
    """What locations may read: hosts and networks beyond the public internet, directories, limits."""

    model_config = ConfigDict(extra="forbid")

    allow: list[str] = Field(
        default_factory=list,
        description="Host patterns or networks on private addresses that locations may read.",
    )
    roots: list[str] = Field(
        default_factory=list,
        description="Directories that file locations may read; relative to the configuration file.",
        json_schema_extra={"path": True},
    )
    hosts: dict[str, HostSettings] = Field(default_factory=dict)
    timeout_seconds: float = Field(default=30, gt=0, le=600)
    max_bytes: int = Field(default=10_000_000, gt=0)


class HoldSettings(BaseModel):
    """When the loss of many entities at once waits for somebody to confirm it."""

    model_config = ConfigDict(extra="forbid")

    share: float = Field(
        default=0.5, gt=0, le=1, description="Share of a source's entities whose loss in one reading is held."
    )
    minimum: int = Field(default=10, ge=1, description="A loss of fewer entities than this is never held.")


class CatalogSettings(BaseModel):
    """Settings of the catalog."""

    model_config = ConfigDict(extra="forbid")

    rules: list[CatalogRule] = Field(
        default_factory=list,
        description="Kinds that may be registered. Without any rule, every known kind is allowed, except that "
        "people and groups come only from locations that an administrator or the operator registered.",
    )
    locations: list[ConfiguredLocation] = Field(default_factory=list)
    readonly: bool = Field(default=False, description="Refuse registering and unregistering of locations.")
    refresh_minutes: float = Field(default=3, gt=0, description="How often a location is asked whether it has changed.")
    provided_refresh_minutes: float = Field(
        default=60,
        gt=0,
        description="How often a location that a source found is asked; sources notice themselves what changed.",
    )
    orphan_strategy: Literal["delete", "keep"] = Field(
        default="delete", description="What happens to entities that nothing emits any longer."
    )
    hold: HoldSettings = Field(default_factory=HoldSettings)
    undo_days: int = Field(default=30, ge=0, description="How long a removed entity can be brought back.")
    relations_compatibility: bool = Field(
        default=False, description="Add the old `target` object to every relation in API answers."
    )
    watch_files: bool = Field(default=True, description="Notice changes of local files at once.")
    reading: ReadingSettings = Field(default_factory=ReadingSettings)
