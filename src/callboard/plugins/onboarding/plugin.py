"""Manifest of the onboarding room."""

from callboard.sdk.manifest import Manifest

manifest = Manifest(
    name="onboarding",
    title="Onboarding",
    version="1.0.0",
    description="Brings repositories into the catalog without writing YAML: looks at them, suggests, imports or asks.",
    requires=("catalog", "hosts"),
    author="The Callboard authors",
    icon="package-import",
)
