"""What an operator may set under `importers:` in `callboard.yaml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CsvSettings(BaseModel):
    """How the columns of CSV files are understood."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Where a column goes, by its heading: `Service Name: metadata.name`; `-` drops it.",
    )
    defaults: dict[str, str] = Field(
        default_factory=dict, description="What fields are where no column says: `spec.lifecycle: production`."
    )


class ImportersSettings(BaseModel):
    """Settings of the importers."""

    model_config = ConfigDict(extra="forbid")

    csv: CsvSettings = Field(default_factory=CsvSettings)
