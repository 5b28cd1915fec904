"""Run MkDocs inside a build: the configuration arrives checked, every word it says goes to the log."""

from __future__ import annotations

import importlib
import logging
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

Say = Callable[[str, str], None]

_CALLS = {
    "materialx.emoji.twemoji": "material.extensions.emoji.twemoji",
    "materialx.emoji.to_svg": "material.extensions.emoji.to_svg",
}
_MOST_LINES = 2000


class BuildFailedError(Exception):
    """MkDocs gave up; the log says why."""


def warm_up() -> None:
    """Import everything a usual site needs, so that builds need not."""
    for name in (
        "mkdocs.commands.build",
        "mkdocs.config.defaults",
        "mkdocs.theme",
        "techdocs_core.core",
        "material.plugins.search.plugin",
        "material.plugins.tags.plugin",
        "mkdocs_redirects.plugin",
        "pymdownx.superfences",
        "pymdownx.extra",
        "pymdownx.emoji",
        "pymdownx.emoji1_db",
        "pymdownx.tabbed",
        "pymdownx.snippets",
        "pymdownx.highlight",
        "pymdownx.inlinehilite",
        "pymdownx.magiclink",
        "pymdownx.critic",
        "pymdownx.tasklist",
        "pymdownx.smartsymbols",
        "pymdownx.arithmatex",
        "pymdownx.slugs",
        "pymdownx.details",
        "pymdownx.caret",
        "pymdownx.tilde",
        "pymdownx.mark",
        "pymdownx.betterem",
        "markdown.extensions.toc",
        "markdown.extensions.footnotes",
        "markdown.extensions.admonition",
        "markdown.extensions.md_in_html",
        "markdown.extensions.def_list",
        "markdown.extensions.tables",
        "markdown.extensions.abbr",
        "markdown.extensions.attr_list",
        "markdown_inline_graphviz",
        "plantuml_markdown",
        "mdx_truly_sane_lists",
        "pygments.formatters.html",
        "pygments.lexers.python",
        "pygments.lexers.data",
        "pygments.lexers.shell",
        "pygments.lexers.special",
        "material.extensions.emoji",
    ):
        importlib.import_module(name)
    from importlib.metadata import entry_points

    # Plugins and extensions are found by their entry points; that list is read from disk once.
    entry_points(group="mkdocs.plugins")
    _safe_yaml()


def _safe_yaml() -> None:
    """Read every YAML file of a source, those that the monorepo plugin includes as well, as plain data."""
    import mkdocs.utils.yaml as module
    import yaml

    class Loader(yaml.SafeLoader):
        """Plain data; the environment is not looked at."""

    def env(loader: Any, node: Any) -> Any:
        values = loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else []
        return values[-1] if len(values) > 1 else None

    Loader.add_constructor("!ENV", env)
    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda _loader, _suffix, _node: None)
    module.get_yaml_loader = lambda *_arguments, **_options: Loader  # type: ignore[assignment]


class _Lines(logging.Handler):
    """Hands what is logged to the portal."""

    def __init__(self, say: Say) -> None:
        super().__init__(logging.INFO)
        self._say = say
        self._count = 0
        self.warnings = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over one line."""
        self._count += 1
        if record.levelno >= logging.WARNING:
            self.warnings += 1
        if self._count <= _MOST_LINES:
            level = (
                "error"
                if record.levelno >= logging.ERROR
                else "warning"
                if record.levelno >= logging.WARNING
                else "info"
            )
            self._say(level, record.getMessage())


def render(source: Path, output: Path, values: dict[str, Any], say: Say, *, etag: str = "") -> dict[str, Any]:
    """Build the site of `source` into `output`; raises BuildFailedError."""
    from mkdocs import exceptions
    from mkdocs.commands.build import build
    from mkdocs.config.defaults import MkDocsConfig

    os.chdir(source)
    lines = _Lines(say)
    for name in ("mkdocs", "MARKDOWN", "techdocs_core", "mkdocs_monorepo_plugin"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [lines]
        logger.setLevel(logging.INFO)
        logger.propagate = False
    # MkDocs counts its own warnings for strict mode through a handler of its own.
    options = _restored(values)
    started = time.monotonic()
    config = MkDocsConfig(config_file_path=str(source / "mkdocs.yml"))
    try:
        extensions, settings = options.pop("markdown_extensions"), options.pop("mdx_configs")
        options["markdown_extensions"] = [{name: settings[name]} if name in settings else name for name in extensions]
        config.load_dict({**options, "site_dir": str(output)})
        errors, warnings = config.validate()
        for key, warning in warnings:
            say("warning", f"{key}: {warning}")
        for key, error in errors:
            say("error", f"{key}: {error}")
        if errors:
            raise BuildFailedError("The configuration is not valid: " + "; ".join(f"{k}: {e}" for k, e in errors)[:500])
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
    except exceptions.Abort as error:
        raise BuildFailedError(str(error) or "MkDocs stopped.") from error
    except (exceptions.MkDocsException, SystemExit) as error:
        raise BuildFailedError(
            str(error) if str(error) not in ("", "1") else "MkDocs stopped; the log says why."
        ) from error
    finally:
        config.plugins.on_shutdown()
    return {
        "seconds": round(time.monotonic() - started, 3),
        "cpu_seconds": round(time.process_time(), 3),
        "warnings": lines.warnings,
        "etag": etag,
    }


def _restored(value: Any) -> Any:
    """Put the functions back where the configuration named them."""
    if isinstance(value, dict):
        if "$call" in value:
            return _function(value["$call"], value.get("kwds") or {})
        return {key: _restored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item) for item in value]
    return value


def _function(name: str, kwds: dict[str, Any]) -> Any:
    module, _, attribute = _CALLS.get(name, name).rpartition(".")
    found = getattr(importlib.import_module(module), attribute)
    if name == "pymdownx.slugs.slugify":
        return found(**kwds)
    return partial(found, **kwds) if kwds else found


def use_temporary(folder: Path) -> None:
    """Have temporary files made in the build's own folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)
    os.environ["TMPDIR"] = str(folder)
    os.environ["HOME"] = str(folder)
