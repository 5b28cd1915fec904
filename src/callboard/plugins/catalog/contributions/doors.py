"""Open the catalog to programs: its HTTP API, its commands, and the demo organisation."""

from __future__ import annotations

from callboard.plugins.catalog.api.express import express
from callboard.plugins.catalog.api.router import api
from callboard.plugins.catalog.services.demo import load_demo
from callboard.sdk.contributions import ApiRouter, CliCommand, Contribution, DemoData

contributions: tuple[Contribution, ...] = (
    ApiRouter(
        id="catalog.api",
        title="Catalog",
        prefix="catalog",
        router=api,
        express=express,
        description="Entities, their relations and where they come from.",
    ),
    CliCommand(id="catalog.cli", title="Catalog", name="catalog", app="callboard.plugins.catalog.cli:app"),
    DemoData(id="catalog.demo", title="The Limelight organisation", load=load_demo),
)
