"""What other rooms may use of the catalog."""

from __future__ import annotations

from callboard.plugins.catalog.clients.git_access import Access as GitAccess
from callboard.plugins.catalog.clients.git_process import GitFailedError, GitTimedOutError, run_git
from callboard.plugins.catalog.clients.globs import Glob, GlobError, compile_glob
from callboard.plugins.catalog.clients.types import redact
from callboard.plugins.catalog.clients.watch import watch as watch_directories
from callboard.plugins.catalog.selectors.overview import counts_by_kind, problems_of, provided_by
from callboard.plugins.catalog.selectors.pages.home import (
    Attention,
    Changed,
    found_by_name,
    is_empty,
    needs_attention,
    recently_changed,
    starred_by,
)
from callboard.plugins.catalog.selectors.pages.names import Named, kind_icon, kind_title, named
from callboard.plugins.catalog.selectors.pages.people import Owned, groups_of, owned_by
from callboard.plugins.catalog.selectors.pages.picking import entities_like, tags_like
from callboard.plugins.catalog.selectors.people import user_email, user_refs_with
from callboard.plugins.catalog.selectors.views import EntityView, entity_url, entity_view, entity_views
from callboard.plugins.catalog.services.demo import load_demo
from callboard.plugins.catalog.services.entities import star
from callboard.plugins.catalog.services.folders import (
    FolderResult,
    RefName,
    entity_folder_versions,
    read_entity_folder,
)
from callboard.plugins.catalog.services.locations import (
    LocationExistsError,
    preview_location,
    refresh_location,
    refresh_repository,
    register_file,
    register_location,
    validate_entity,
)
from callboard.plugins.catalog.services.managing import as_file, delete_managed, let_go, save_entities, take_over
from callboard.plugins.catalog.services.processing import process_due
from callboard.plugins.catalog.services.providers import remove_provider, run_provider
from callboard.plugins.catalog.services.pushing import push
from callboard.plugins.catalog.services.trees import (
    Beside,
    LocationTarget,
    ReadError,
    TreeAnswer,
    TreeFile,
    outside_reader,
    surroundings,
)
from callboard.plugins.catalog.services.writing import Applied
from callboard.plugins.catalog.types.pushing import Pushed, PushedItem

__all__ = [
    "Applied",
    "Attention",
    "Beside",
    "Changed",
    "EntityView",
    "FolderResult",
    "GitAccess",
    "GitFailedError",
    "GitTimedOutError",
    "Glob",
    "GlobError",
    "LocationExistsError",
    "LocationTarget",
    "Named",
    "Owned",
    "Pushed",
    "PushedItem",
    "ReadError",
    "RefName",
    "TreeAnswer",
    "TreeFile",
    "as_file",
    "compile_glob",
    "counts_by_kind",
    "delete_managed",
    "entities_like",
    "entity_folder_versions",
    "entity_url",
    "entity_view",
    "entity_views",
    "found_by_name",
    "groups_of",
    "is_empty",
    "kind_icon",
    "kind_title",
    "let_go",
    "load_demo",
    "named",
    "needs_attention",
    "outside_reader",
    "owned_by",
    "preview_location",
    "problems_of",
    "process_due",
    "provided_by",
    "push",
    "read_entity_folder",
    "recently_changed",
    "redact",
    "refresh_location",
    "refresh_repository",
    "register_file",
    "register_location",
    "remove_provider",
    "run_git",
    "run_provider",
    "save_entities",
    "star",
    "starred_by",
    "surroundings",
    "tags_like",
    "take_over",
    "user_email",
    "user_refs_with",
    "validate_entity",
    "watch_directories",
]
