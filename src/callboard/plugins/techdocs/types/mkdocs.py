"""Read a repository's `mkdocs.yml` as what it is: input of somebody we do not know.

Nothing in it runs code, names a file outside of its folder, opens a connection or loads a plugin that is not
listed here. What is dropped is said; what could only be meant to break out stops the build.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from callboard.plugins.techdocs.types.layout import inside

CONFIG_NAMES = ("mkdocs.yml", "mkdocs.yaml")

PLUGINS: Mapping[str, frozenset[str]] = {
    "techdocs-core": frozenset({"use_material_search", "use_pymdownx_blocks"}),
    "search": frozenset({"lang", "separator", "min_search_length", "indexing"}),
    "material/search": frozenset({"lang", "separator", "pipeline"}),
    "monorepo": frozenset(),
    "redirects": frozenset({"redirect_maps"}),
    "gh-admonitions": frozenset(),
    "tags": frozenset({"tags_file", "enabled"}),
    "material/tags": frozenset({"tags_file", "enabled"}),
    "meta": frozenset({"meta_file"}),
    "material/meta": frozenset({"meta_file"}),
}
"""Plugins a site may use, each with the options it may set."""

EXTENSIONS = frozenset(
    (  # noqa: SIM905 - a list of words reads better as one
        "abbr admonition attr_list codehilite def_list extra fenced_code footnotes legacy_attrs legacy_em "
        "md_in_html meta nl2br sane_lists smarty tables toc wikilinks mdx_truly_sane_lists plantuml_markdown "
        "markdown_inline_graphviz pymdownx.arithmatex pymdownx.betterem pymdownx.blocks.admonition "
        "pymdownx.blocks.caption pymdownx.blocks.definition pymdownx.blocks.details pymdownx.blocks.html "
        "pymdownx.blocks.tab pymdownx.caret pymdownx.critic pymdownx.details pymdownx.emoji pymdownx.escapeall "
        "pymdownx.extra pymdownx.highlight pymdownx.inlinehilite pymdownx.keys pymdownx.magiclink pymdownx.mark "
        "pymdownx.pathconverter pymdownx.progressbar pymdownx.saneheaders pymdownx.smartsymbols pymdownx.snippets "
        "pymdownx.striphtml pymdownx.superfences pymdownx.tabbed pymdownx.tasklist pymdownx.tilde"
    ).split()
)
"""Markdown extensions a site may use, by their names without ``markdown.extensions.``."""

DROPPED_OPTIONS: Mapping[str, frozenset[str]] = {
    "pymdownx.snippets": frozenset({"url_download", "url_request_headers", "url_max_size", "url_timeout"}),
    "plantuml_markdown": frozenset(
        {
            "server",
            "servers",
            "kroki_server",
            "plantuml_cmd",
            "cachedir",
            "config",
            "insecure",
            "remove_inline_svg_size",
        }
    ),
    "pymdownx.pathconverter": frozenset({"base_path"}),
    "pymdownx.blocks.html": frozenset({"custom"}),
}
"""Options that reach for the network, for programs or for other places, by extension."""

CALLABLES = frozenset(
    {
        "material.extensions.emoji.twemoji",
        "material.extensions.emoji.to_svg",
        "materialx.emoji.twemoji",
        "materialx.emoji.to_svg",
        "pymdownx.emoji.to_svg",
        "pymdownx.emoji.to_alt",
        "pymdownx.emoji.to_png",
        "pymdownx.emoji.to_png_sprite",
        "pymdownx.emoji.emojione",
        "pymdownx.emoji.gemoji",
        "pymdownx.emoji.twemoji",
        "pymdownx.superfences.fence_code_format",
        "pymdownx.superfences.fence_div_format",
        "pymdownx.arithmatex.arithmatex_fenced_format",
        "pymdownx.arithmatex.arithmatex_inline_format",
        "pymdownx.arithmatex.fence_mathjax_format",
        "pymdownx.arithmatex.fence_mathjax_preview_format",
        "pymdownx.arithmatex.fence_generic_format",
        "pymdownx.arithmatex.inline_mathjax_format",
        "pymdownx.arithmatex.inline_generic_format",
        "pymdownx.slugs.slugify",
        "pymdownx.slugs.uslugify",
        "pymdownx.slugs.uslugify_cased",
        "pymdownx.slugs.gfm",
    }
)
"""Python names a configuration may mention; they format text and do nothing else."""

KEYS = frozenset(
    (  # noqa: SIM905 - a list of words reads better as one
        "site_name site_url site_description site_author copyright repo_url repo_name edit_uri edit_uri_template "
        "nav exclude_docs draft_docs not_in_nav validation docs_dir use_directory_urls strict remote_branch "
        "remote_name"
    ).split()
)
_SILENT = frozenset({"site_dir", "dev_addr", "watch"})
_THEME = frozenset({"name", "language", "direction", "features"})
_WILDCARD = re.compile(r"[*?\[]")
_DEEPEST = 30
_MOST_NODES = 50_000


class ConfigRefusedError(ValueError):
    """A configuration that is not built; the message says where and how to mend it."""


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """What is left of a configuration: values for MkDocs, and what was dropped of it.

    Callables are written as ``{"$call": name, "kwds": {…}}``; the builder knows them by name.
    """

    values: dict[str, Any]
    warnings: tuple[str, ...] = ()
    includes: tuple[str, ...] = field(default=())

    @property
    def docs_dir(self) -> str:
        """The folder of Markdown files, relative to the configuration."""
        return str(self.values.get("docs_dir") or "docs")


class _Loader(yaml.SafeLoader):
    """Plain YAML, in which the few Python names that sites use become harmless marks."""


class _Env:
    def __init__(self, name: str) -> None:
        self.name = name


def _name_tag(_loader: yaml.Loader, suffix: str, node: yaml.Node) -> Any:
    return _callable(suffix, node, {})


def _apply_tag(loader: yaml.Loader, suffix: str, node: yaml.Node) -> Any:
    value = loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else {}
    kwds = value.get("kwds") if isinstance(value, dict) else None
    plain = {k: v for k, v in (kwds or {}).items() if isinstance(k, str) and isinstance(v, str | bool | int)}
    return _callable(suffix, node, plain)


def _callable(name: str, node: yaml.Node, kwds: dict[str, Any]) -> dict[str, Any]:
    if name not in CALLABLES:
        raise ConfigRefusedError(
            f"line {node.start_mark.line + 1}: the Python name {name} is not allowed in a configuration. "
            f"Remove it; allowed are emoji, fence and slug functions of Material and PyMdown."
        )
    return {"$call": name, "kwds": kwds}


def _env_tag(loader: yaml.Loader, node: yaml.Node) -> Any:
    # The environment of the builder is nobody's business; the default that stands beside the name is.
    if isinstance(node, yaml.SequenceNode):
        values = loader.construct_sequence(node, deep=True)
        return values[-1] if len(values) > 1 else None
    return None


def _relative_tag(loader: yaml.Loader, node: yaml.Node) -> Any:
    text = str(loader.construct_scalar(node)) if isinstance(node, yaml.ScalarNode) else ""
    return f"$relative/{text}"


_Loader.add_multi_constructor("tag:yaml.org,2002:python/name:", _name_tag)
_Loader.add_multi_constructor("tag:yaml.org,2002:python/object/apply:", _apply_tag)
_Loader.add_constructor("!ENV", _env_tag)
_Loader.add_constructor("!relative", _relative_tag)


def parse(text: bytes, name: str = "mkdocs.yml") -> dict[str, Any]:
    """Read YAML without giving it any power; raises ConfigRefusedError with the place."""
    try:
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with marks for known names
    except ConfigRefusedError as error:
        raise ConfigRefusedError(f"{name}, {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}, line {mark.line + 1}" if mark is not None else name
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigRefusedError(f"{where}: {problem}. Correct the YAML at this place.") from None
    except (RecursionError, ValueError, UnicodeError) as error:
        raise ConfigRefusedError(f"{name} cannot be read: {error}.") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigRefusedError(f"{name} holds no keys. It needs at least `site_name: …`.")
    measure(value)
    return value


def measure(value: Any, most: int = _MOST_NODES, deepest: int = _DEEPEST) -> None:
    """Refuse what aliases blow up beyond any real document's size."""
    count = 0
    todo: list[tuple[Any, int]] = [(value, 0)]
    while todo:
        item, depth = todo.pop()
        count += 1
        if count > most or depth > deepest:
            raise ConfigRefusedError("The document is larger or deeper than any real one. Simplify it.")
        if isinstance(item, dict):
            todo.extend((child, depth + 1) for child in item.values())
        elif isinstance(item, list):
            todo.extend((child, depth + 1) for child in item)


def site_config(text: bytes, *, title: str, name: str = "mkdocs.yml", edit_url: str = "") -> SiteConfig:
    """Answer what of a configuration is used; raises ConfigRefusedError.

    ``title`` names the site where the configuration does not; ``edit_url`` is where files of the folder are
    edited, if known, and is used unless the site says something of its own.
    """
    raw = parse(text, name)
    warnings: list[str] = []
    if "INHERIT" in raw:
        warnings.append("INHERIT is not supported: only this file is read.")
    unknown = set(map(str, raw)) - KEYS - _SILENT - {"plugins", "markdown_extensions", "theme", "extra", "INHERIT"}
    warnings += [f"{key} is not allowed in documentation of the portal and was left out." for key in sorted(unknown)]
    values = {key: _plain(raw[key]) for key in KEYS if raw.get(key) is not None}
    values["site_name"] = str(values.get("site_name") or title)
    docs = inside(str(values.get("docs_dir") or "docs"))
    if docs is None:
        raise ConfigRefusedError(f"{name}: docs_dir leads out of the folder. Use a folder below the configuration.")
    values["docs_dir"] = docs or "."
    if docs == "":
        raise ConfigRefusedError(f"{name}: docs_dir is the folder of the configuration itself. Use a folder below it.")
    for key in ("repo_url", "site_url"):
        if key in values and not str(values[key]).startswith(("https://", "http://")):
            del values[key]
            warnings.append(f"{key} is no web address and was left out.")
    values["theme"] = _theme(raw.get("theme"), warnings)
    values["plugins"] = _plugins(raw.get("plugins"), warnings)
    values["markdown_extensions"], values["mdx_configs"] = _extensions(raw.get("markdown_extensions"), warnings)
    if isinstance(raw.get("extra"), dict):
        values["extra"] = _plain({k: v for k, v in raw["extra"].items() if k not in ("analytics", "consent")})
    if edit_url and "edit_uri" not in values and "edit_uri_template" not in values:
        values["edit_uri"] = f"{edit_url}{docs}/"
        values.setdefault("repo_url", edit_url)
        values["repo_name"] = values.get("repo_name", "")
    includes = tuple(_includes(values.get("nav"), name))
    return SiteConfig(values, tuple(warnings), includes)


def _plain(value: Any) -> Any:
    """Answer a value made of plain data, with every mark of a Python name dropped."""
    if isinstance(value, dict):
        return None if "$call" in value else {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _theme(raw: Any, warnings: list[str]) -> dict[str, Any]:
    theme = raw if isinstance(raw, dict) else {"name": raw or "material"}
    unknown = sorted(set(map(str, theme)) - _THEME - {"palette", "font", "icon", "logo", "favicon"})
    warnings += [f"theme.{key} is not allowed: themes are not overridden." for key in unknown]
    if str(theme.get("name") or "material") != "material":
        warnings.append(f"The theme {theme.get('name')} was replaced by material.")
    found: dict[str, Any] = {"name": "material", "font": False}
    if isinstance(theme.get("language"), str) and re.fullmatch(r"[A-Za-z-]{2,12}", theme["language"]):
        found["language"] = theme["language"]
    if theme.get("direction") in ("ltr", "rtl"):
        found["direction"] = theme["direction"]
    features = theme.get("features")
    if isinstance(features, list):
        # A pruned navigation is one page's view of it; the portal wants the whole.
        found["features"] = [str(item) for item in features if item != "navigation.prune"]
    return found


def _named(raw: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    entries = raw.items() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    for entry in entries:
        if isinstance(entry, str):
            yield entry, {}
        elif isinstance(entry, tuple):
            yield str(entry[0]), entry[1] if isinstance(entry[1], dict) else {}
        elif isinstance(entry, dict):
            for name, options in entry.items():
                yield str(name), options if isinstance(options, dict) else {}


def _plugins(raw: Any, warnings: list[str]) -> list[Any]:
    found: dict[str, dict[str, Any]] = {}
    for name, options in _named(raw):
        allowed = PLUGINS.get(name)
        if allowed is None:
            warnings.append(f"The plugin {name} is not available here and was left out.")
            continue
        unknown = sorted(set(map(str, options)) - allowed)
        warnings += [f"The option {key} of plugin {name} is not allowed and was left out." for key in unknown]
        found[name] = {key: _plain(value) for key, value in options.items() if key in allowed}
    for name in ("tags", "material/tags", "meta", "material/meta"):
        for key in ("tags_file", "meta_file"):
            if name in found and key in found[name] and inside(str(found[name][key])) is None:
                raise ConfigRefusedError(f"mkdocs.yml: {key} of plugin {name} leads out of the folder.")
    found.setdefault("techdocs-core", {})
    # techdocs-core brings these itself and takes no second one beside it.
    for name in ("search", "material/search", "monorepo", "gh-admonitions"):
        found.pop(name, None)
    return [{name: options} for name, options in found.items()]


def _extensions(raw: Any, warnings: list[str]) -> tuple[list[str], dict[str, Any]]:
    names: list[str] = []
    configs: dict[str, Any] = {}
    for full, options in _named(raw):
        name = full.removeprefix("markdown.extensions.")
        if name not in EXTENSIONS:
            warnings.append(f"The Markdown extension {full} is not available here and was left out.")
            continue
        dropped = DROPPED_OPTIONS.get(name, frozenset())
        refused = sorted(set(map(str, options)) & dropped)
        warnings += [f"The option {key} of {name} is not allowed and was left out." for key in refused]
        kept = {str(key): _keep_calls(value) for key, value in options.items() if key not in dropped}
        for key in ("base_path", "base_dir"):
            if key in kept:
                kept[key] = _folders(kept[key], f"{name}.{key}")
        if name == "pymdownx.snippets":
            kept["restrict_base_path"] = True
        names.append(name)
        if kept:
            configs[name] = kept
    return names, configs


def _keep_calls(value: Any) -> Any:
    if isinstance(value, dict):
        if "$call" in value:
            return value
        return {str(key): _keep_calls(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_keep_calls(item) for item in value]
    return _plain(value)


def _folders(value: Any, where: str) -> list[str]:
    found = []
    for item in value if isinstance(value, list) else [value]:
        text = str(item).removeprefix("$relative/").replace("$config_dir/", "").replace("$config_dir", ".")
        path = inside(text.replace("$docs_dir/", "docs/"))
        if path is None:
            raise ConfigRefusedError(f"mkdocs.yml: {where} leads out of the folder ({text}). Use a folder below it.")
        found.append(path or ".")
    return found


def _includes(nav: Any, name: str) -> Iterator[str]:
    """Answer the configurations that the navigation includes, as paths or patterns relative to this one."""
    todo = [nav]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo.extend(item)
        elif isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, str):
            match = re.match(r"[!*]include\s+(.*)", item.strip())
            if match:
                path = inside(match[1].strip())
                if path is None or "**" in path:
                    raise ConfigRefusedError(
                        f"{name}: the navigation includes {match[1].strip()}, which leads out of the folder. "
                        "Include configurations below it."
                    )
                yield path


def included_patterns(path: str) -> tuple[str, str]:
    """Answer what to read for one include: its configuration, and everything in its folder."""
    folder = path.rpartition("/")[0]
    return path, f"{folder}/**" if folder else "**"


_SNIPPET = re.compile(
    rb"^[ \t>]*-{1,}8<-{1,}[ \t]+[\"']([^\"'\n]+)[\"']|^[ \t>]*-{1,}8<-{1,}[ \t]*\n((?:[^\n]+\n)+?)[ \t>]*-{1,}8<-{1,}",
    re.MULTILINE,
)
_SOURCE = re.compile(rb"source=[\"']([^\"'\n]+)[\"']")


def snippet_paths(text: bytes) -> list[str]:
    """Answer the files that a Markdown file takes in, as they are written."""
    found: list[bytes] = []
    for match in _SNIPPET.finditer(text):
        found += [match[1]] if match[1] else [line.strip() for line in match[2].splitlines()]
    found += [match[1] for match in _SOURCE.finditer(text)]
    paths = []
    for item in found:
        path = re.sub(r":[A-Za-z0-9_:,-]*$", "", item.decode("utf-8", "replace").lstrip("; "))
        if path and not path.startswith((";", "http:", "https:")) and not _WILDCARD.search(path):
            paths.append(path)
    return paths
