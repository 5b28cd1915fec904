"""Manifest of the scaffolder room."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="scaffolder",
    title="Templates",
    version="1.0.0",
    description="Create things from templates: forms, steps, tasks with a live log, approvals and receipts.",
    requires=("catalog", "hosts"),
    settings="callboard.plugins.scaffolder.settings:ScaffolderSettings",
    author="The Callboard authors",
    icon="template",
)
