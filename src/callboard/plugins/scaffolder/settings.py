"""What an operator may set under `scaffolder:` in `callboard.yaml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Author(BaseModel):
    """Who commits, where a template does not say."""

    model_config = ConfigDict(extra="forbid")

    name: str = "Callboard"
    email: str = "callboard@localhost"


class ScaffolderSettings(BaseModel):
    """Settings of templates and their tasks."""

    model_config = ConfigDict(extra="forbid")

    default_author: Author = Field(default_factory=Author)
    default_commit_message: str = Field(default="Initial commit", description="Of the first commit of a repository.")
    concurrent_tasks: int = Field(default=10, ge=1, le=1000, description="How many tasks run at once, on all workers.")
    task_minutes: float = Field(default=60, gt=0, le=7200, description="How long a task may run.")
    step_minutes: float = Field(default=30, gt=0, le=7200, description="How long one step may run.")
    keep_days: int = Field(default=365, ge=1, description="How long finished tasks are kept.")
    http_allow: list[str] = Field(
        default_factory=list,
        description="Hosts that templates may send requests to (host patterns); none, and `http:request` is refused.",
    )
    http_private: list[str] = Field(
        default_factory=list, description="Networks or hosts among those that have private addresses."
    )
    environment: dict[str, str] = Field(
        default_factory=dict, description="Values that templates see as `environment.parameters`."
    )
    max_files: int = Field(default=10_000, gt=0, description="Files that a workspace may hold.")
    max_bytes: int = Field(default=200_000_000, gt=0, description="Size that a workspace may have.")
    workspace_store: str = Field(
        default="",
        description="Where workspaces wait between steps: empty for the database, or the address of a bucket "
        "(s3://…, gs://…, az://…).",
    )
