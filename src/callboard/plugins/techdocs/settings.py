"""What an operator may set under `techdocs:` in `callboard.yaml`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class StorageSettings(BaseModel):
    """Where built sites are kept; the layout of objects is that of the original."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        default="",
        description="`s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or `file:///path`. "
        "Empty keeps sites in the data directory of the portal.",
    )
    options: dict[str, str] = Field(
        default_factory=dict,
        description="Options of the store, such as `aws_region`, `aws_endpoint` or `azure_storage_account_name`. "
        "Without keys here the usual environment of the cloud is used.",
        json_schema_extra={"secret": True},
    )
    case_sensitive: bool = Field(
        default=False,
        description="Keep the case of kinds and names in paths, for buckets that were filled that way.",
    )


class BuildSettings(BaseModel):
    """What one build may use."""

    model_config = ConfigDict(extra="forbid")

    timeout_seconds: int = Field(default=300, gt=0, le=3600)
    memory_mb: int = Field(default=1024, ge=256)
    max_site_mb: int = Field(default=500, gt=0, description="Size of a built site.")
    max_source_mb: int = Field(default=200, gt=0, description="Size of the folder that is built.")
    max_files: int = Field(default=5000, gt=0, description="Files of the folder that is built.")
    network_isolation: Literal["preferred", "required"] = Field(
        default="preferred",
        description="`required` refuses to build where the kernel does not let the build be cut off.",
    )


class TechdocsSettings(BaseModel):
    """Settings of the documentation."""

    model_config = ConfigDict(extra="forbid")

    builder: Literal["local", "external"] = Field(
        default="local", description="`external`: pipelines publish, the portal only reads."
    )
    storage: StorageSettings = Field(default_factory=StorageSettings)
    build: BuildSettings = Field(default_factory=BuildSettings)
    refresh_minutes: int = Field(default=10, gt=0, description="How often sources are asked whether they changed.")
    stale_days: int = Field(default=365, gt=0, description="Pages that did not change for so long count as stale.")
