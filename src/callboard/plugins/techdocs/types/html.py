"""Turn a page of a built site into something the portal can show: its own text, and nothing that could act.

A built page is hostile: whoever writes the source decides every byte of it. What is kept is named here, tag by
tag and class by class; everything else is dropped. Scripts, styles, forms, frames and event handlers never
pass, nor do classes of the portal's own style sheet or ids of its own elements.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from callboard.lib.digest import text_hash
from callboard.plugins.techdocs.types.layout import page_path

WORDS_A_MINUTE = 220

_TAGS = frozenset(
    (  # noqa: SIM905 - a list of words reads better as one
        "a abbr b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em "
        "figcaption figure h1 h2 h3 h4 h5 h6 hr i img input ins kbd label li mark ol p picture pre q rp rt ruby s "
        "samp section small source span strong sub summary sup svg path g table tbody td tfoot th thead time tr u "
        "ul var wbr video audio"
    ).split()
)
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"title", "lang", "dir", "id", "class", "align"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height", "loading"},
    "source": {"src", "type"},
    "video": {"src", "controls", "width", "height", "poster", "muted", "loop"},
    "audio": {"src", "controls"},
    "input": {"type", "checked", "disabled", "name", "aria-label"},
    "label": {"for"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "details": {"open"},
    "svg": {"viewbox", "width", "height", "role", "aria-hidden"},
    "path": {"d", "fill-rule", "clip-rule"},
    "g": set(),
    "time": {"datetime"},
    "div": {"data-island"},
}

_CLASS_NAMES = frozenset(
    (  # noqa: SIM905 - a list of words reads better as one
        "admonition admonition-title note abstract summary tldr info todo tip hint important success check done "
        "question help faq warning caution attention failure fail missing danger error bug example snippet quote "
        "cite new settings inline end details-new details-settings details-note details-abstract details-info "
        "details-tip details-success details-question details-warning details-failure details-danger details-bug "
        "details-example details-quote tabbed-set tabbed-alternate tabbed-labels tabbed-content tabbed-block "
        "task-list task-list-item task-list-control task-list-indicator highlight highlighttable linenos "
        "linenodiv normal special linenums filename code codehilite hll footnote footnote-ref footnote-backref "
        "headerlink toclink arithmatex mermaid twemoji emojione gemoji critic comment block keys grid cards card "
        "abbr toc md-button md-button--primary md-annotation annotate off-glb skip-lightbox center"
    ).split()
)
_ID = re.compile(r"[^\s\"'<>`\x00-\x1f]{1,200}")
_OWN_IDS = re.compile(
    r"(?i)(cb-|id_|td-|palette|shortcuts|confirm|side$|main$|page$|toasts$|announce$|results$|arrivals$)"
)
_MERMAID = re.compile(
    r"\s*(?:---[\s\S]{0,500}?---\s*|%%[^\n]*\n\s*)*"
    r"(graph|flowchart|sequenceDiagram|classDiagram|stateDiagram(?:-v2)?|erDiagram|journey|gantt|pie|quadrantChart|"
    r"requirementDiagram|gitGraph|mindmap|timeline|C4Context|sankey-beta|xychart-beta|block-beta|architecture-beta|kanban)\b"
)
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class NavNode:
    """An entry of the navigation: a page, a section, or both. ``path`` is relative to the site."""

    title: str
    path: str | None = None
    children: tuple[NavNode, ...] = ()
    external: str = ""

    def pages(self) -> Iterable[NavNode]:
        """All pages in reading order."""
        if self.path is not None:
            yield self
        for child in self.children:
            yield from child.pages()

    def holds(self, path: str) -> bool:
        """Whether the page is this one or below."""
        return any(node.path == path for node in self.pages())

    def as_json(self) -> list[Any]:
        """Answer plain JSON."""
        return [self.title, self.path, self.external, [child.as_json() for child in self.children]]

    @classmethod
    def from_json(cls, value: list[Any]) -> NavNode:
        """Read what :meth:`as_json` wrote."""
        return cls(value[0], value[1], tuple(cls.from_json(child) for child in value[3]), value[2])


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a page: its level, its anchor and its words."""

    level: int
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class PageContent:
    """A page ready to be shown: safe HTML without its title heading, and what else is known of it."""

    title: str
    html: str
    headings: tuple[Heading, ...]
    text: str
    digest: str
    edit_url: str = ""
    updated: str = ""
    redirect: str = ""
    links: tuple[str, ...] = field(default=())

    @property
    def words(self) -> int:
        """How many words it has."""
        return len(self.text.split())

    @property
    def minutes(self) -> int:
        """How long it takes to read."""
        return max(1, round(self.words / WORDS_A_MINUTE))


def read_page(html: str, name: str, resolve: Callable[[str, str, str], str]) -> PageContent:
    """Read the object ``name`` of a site.

    ``resolve(kind, path, rest)`` gives the portal's address for something of the same site: ``kind`` is
    ``page`` or ``file``, ``rest`` is the query and fragment with their marks.
    """
    import lxml.html  # noqa: PLC0415 - slow to import, and only reading pages needs it

    article = _article(html)
    if article is None:
        return PageContent("", "", (), "", "", redirect=_redirect(html, name))
    tree = lxml.html.fragment_fromstring(article, create_parent="div")
    edit, updated = _take_extras(tree)
    title = _take_title(tree) or _document_title(html)
    links = _mend(tree, name, resolve)
    headings = tuple(_headings(tree))
    _dress(tree)
    raw = lxml.html.tostring(tree, encoding="unicode")
    text = _text(tree)
    return PageContent(title, sanitise(raw), headings, text, text_hash(text), edit, updated, "", tuple(links))


def page_facts(html: str, name: str) -> PageContent:
    """Read what reports and search need of a page, without making it fit to be shown."""
    import lxml.html  # noqa: PLC0415 - see read_page

    article = _article(html)
    if article is None:
        return PageContent("", "", (), "", "", redirect=_redirect(html, name))
    tree = lxml.html.fragment_fromstring(article, create_parent="div")
    edit, updated = _take_extras(tree)
    title = _take_title(tree) or _document_title(html)
    links = _mend(tree, name, lambda _kind, path, _rest: path)
    headings = tuple(_headings(tree))
    text = _text(tree)
    return PageContent(title, "", headings, text, text_hash(text), edit, updated, "", tuple(links))


def sanitise(html: str) -> str:
    """Drop everything that is not named above."""
    import nh3  # noqa: PLC0415 - only reading pages needs it

    return nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags={"script", "style", "template", "noscript", "iframe", "object", "textarea", "title"},
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_filter,
        url_schemes={"http", "https", "mailto", "tel", "data"},
        link_rel="noopener noreferrer nofollow",
        generic_attribute_prefixes=set(),
    )


def _filter(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        kept = [word for word in value.split() if _class_ok(word)]
        return " ".join(kept) or None
    if name in ("id", "for", "name"):
        return _own_id(value) if _ID.fullmatch(value) else None
    if name == "type" and tag == "input":
        return value if value in ("radio", "checkbox") else "checkbox"
    if name == "data-island":
        return value if value in ("mermaid", "math") else None
    if name in ("href", "src", "poster"):
        data = value.strip().lower().startswith("data:")
        if data and not (tag == "img" and value.strip().lower().startswith("data:image/")):
            return None
    return value


def _class_ok(word: str) -> bool:
    return word in _CLASS_NAMES or word.startswith(("language-", "key-", "td-")) or word in _pygments()


@cache
def _pygments() -> frozenset[str]:
    """Answer the short classes that coloured code is made of."""
    from pygments.token import STANDARD_TYPES  # noqa: PLC0415 - only reading pages needs it

    return frozenset(STANDARD_TYPES.values()) - {""}


def _own_id(value: str) -> str:
    """Answer an id that is none of the portal's own elements."""
    return f"doc-{value}" if _OWN_IDS.match(value) else value


def _article(html: str) -> str | None:
    """Cut the text of the page out of its frame, without parsing the frame where that can be avoided."""
    start = html.find('<article class="md-content__inner')
    if start >= 0:
        end = html.find("</article>", start)
        if end > 0 and html.find('<article class="md-content__inner', start + 10) < 0:
            return html[html.index(">", start) + 1 : end]
    import lxml.html  # noqa: PLC0415 - see read_page

    if not html.strip():
        return None
    tree = lxml.html.document_fromstring(html)
    for path in ("//article", "//*[@role='main']", "//main"):
        found = tree.xpath(path)
        if found:
            return "".join(
                [found[0].text or ""] + [lxml.html.tostring(child, encoding="unicode") for child in found[0]]
            )
    return None


def _redirect(html: str, name: str) -> str:
    """Answer where a page that only leads on leads to, as a path of the site or an address."""
    match = re.search(r"""http-equiv=["']?refresh["']?[^>]*url=([^"'>]+)""", html, re.IGNORECASE)
    if match is None:
        return ""
    return urljoin(f"https://site.invalid/{name}", match[1].strip()).removeprefix("https://site.invalid/")


def _document_title(html: str) -> str:
    match = re.search(r"<title>([^<]*)</title>", html[:20_000])
    if match is None:
        return ""
    import html as entities  # noqa: PLC0415 - the parameter has its name

    return entities.unescape(match[1]).partition(" - ")[0].strip()


def _take_extras(tree: Any) -> tuple[str, str]:
    edit = updated = ""
    for link in tree.xpath(".//a[contains(@class,'md-content__button')]"):
        if link.get("rel") == "edit" or "/edit/" in (link.get("href") or ""):
            edit = link.get("href") or ""
        link.drop_tree()
    for aside in tree.xpath(".//*[contains(@class,'md-source-file')]"):
        updated = _SPACE.sub(" ", aside.text_content()).strip()
        aside.drop_tree()
    for node in tree.xpath(".//script|.//style|.//template|.//comment()"):
        node.drop_tree()
    return edit if edit.startswith(("https://", "http://")) else "", updated


def _take_title(tree: Any) -> str:
    found = tree.xpath("(.//h1)[1]")
    if not found:
        return ""
    title = _heading_text(found[0])
    if tree.xpath("count(.//h1)") == 1:
        anchor = found[0].get("id")
        if anchor:
            # Links to the title's anchor still find their place.
            mark = found[0].makeelement("a", {"id": anchor})
            found[0].addprevious(mark)
        found[0].drop_tree()
    return title


def _heading_text(node: Any) -> str:
    words = "".join(node.xpath(".//text()[not(ancestor::a[contains(@class,'headerlink')])]"))
    return _SPACE.sub(" ", words).strip()


def _headings(tree: Any) -> Iterable[Heading]:
    for node in tree.xpath(".//*[self::h1 or self::h2 or self::h3 or self::h4][@id]"):
        if not node.xpath("ancestor::*[contains(@class,'tabbed-block')]"):
            yield Heading(int(node.tag[1]), _own_id(node.get("id")), _heading_text(node))


def _mend(tree: Any, name: str, resolve: Callable[[str, str, str], str]) -> list[str]:
    """Let every address point to where the portal has it; answer the pages and files of the site it links to."""
    links: list[str] = []
    base = f"https://site.invalid/{name}"
    for node in tree.iter("a", "img", "source", "video", "audio"):
        attribute = "href" if node.tag == "a" else "src"
        value = node.get(attribute)
        if value is None:
            continue
        value = value.strip()
        if value.startswith("#"):
            node.set(attribute, f"#{_own_id(unquote(value[1:]))}")
            if node.tag == "a" and len(value) > 1 and "headerlink" not in (node.get("class") or ""):
                links.append(f"{name}{value}")
            continue
        try:
            parts = urlsplit(urljoin(base, value))
        except ValueError:
            del node.attrib[attribute]
            continue
        if parts.netloc != "site.invalid" or parts.scheme not in ("http", "https"):
            if node.tag == "a" and parts.scheme in ("http", "https"):
                node.set("class", f"{node.get('class') or ''} td-outside".strip())
            continue
        path = unquote(parts.path).lstrip("/")
        rest = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
        links.append(path + (f"#{unquote(parts.fragment)}" if parts.fragment else ""))
        page = node.tag == "a" and (path == "" or path.endswith(("/", ".html")) or "." not in path.rsplit("/", 1)[-1])
        node.set(attribute, resolve("page" if page else "file", page_path(path) if page else path, rest))
    return links


def _dress(tree: Any) -> None:
    """Rewrite what needs more than plain HTML: diagrams, formulas, emoji, drawings, wide tables."""
    for node in tree.xpath(".//*[contains(@class,'td-') or contains(@class,'cb-')]"):
        node.set("class", " ".join(word for word in node.get("class").split() if word == "td-outside"))
    for node in tree.xpath(".//*[@data-island]"):
        del node.attrib["data-island"]
    for node in tree.xpath(".//pre[contains(@class,'mermaid')]|.//div[contains(concat(' ',@class,' '),' mermaid ')]"):
        _island(node, "mermaid", node.text_content())
    for node in tree.xpath(".//div[contains(@class,'highlight')][.//pre]"):
        code = node.xpath("(.//td[@class='code']//pre|.//pre)[last()]")
        text = code[0].text_content() if code else ""
        marked = "language-mermaid" in node.get("class", "")
        plain = "language-text" in node.get("class", "") or "language-" not in node.get("class", "")
        if marked or (plain and _MERMAID.match(text)):
            _island(node, "mermaid", text)
    for node in tree.xpath(".//*[contains(concat(' ',@class,' '),' arithmatex ')]"):
        node.set("class", "arithmatex")
    if tree.xpath("boolean(.//*[@class='arithmatex'])"):
        tree.append(tree.makeelement("div", {"data-island": "math"}))
    for image in tree.xpath(
        ".//img[contains(@class,'emojione') or contains(@class,'twemoji') or contains(@class,'gemoji')]"
    ):
        # The picture would come from somebody else's server; the character is the same.
        _replace_by_text(image, image.get("alt") or "")
    for drawing in tree.xpath(".//svg"):
        if not drawing.xpath("ancestor::*[contains(@class,'twemoji')]"):
            _picture(drawing)
    _frame(tree)


def _frame(tree: Any) -> None:
    """Let wide tables scroll, boxes be named and pictures wait until they are seen."""
    for table in tree.xpath(".//table[not(contains(@class,'highlighttable'))][not(ancestor::table)]"):
        box = table.makeelement("div", {"class": "td-table"})
        tail, table.tail = table.tail, None
        table.addprevious(box)
        box.append(table)
        box.tail = tail
    for box in tree.xpath(".//input[@type='checkbox']"):
        item = box.xpath("ancestor::li[1]")
        box.set("aria-label", _SPACE.sub(" ", item[0].text_content()).strip()[:100] if item else "task")
    for image in tree.iter("img"):
        image.set("loading", "lazy")


def _island(node: Any, name: str, text: str) -> None:
    box = node.makeelement("div", {"class": "td-diagram", "data-island": name})
    source = node.makeelement("pre", {})
    source.text = text.strip("\n")
    box.append(source)
    box.tail = node.tail
    node.getparent().replace(node, box)


def _replace_by_text(node: Any, text: str) -> None:
    before, parent = node.getprevious(), node.getparent()
    words = text + (node.tail or "")
    if before is not None:
        before.tail = (before.tail or "") + words
    else:
        parent.text = (parent.text or "") + words
    parent.remove(node)


def _picture(drawing: Any) -> None:
    """Show an inline drawing as an image: inside one, nothing can act and nothing is fetched."""
    import lxml.etree  # noqa: PLC0415 - see read_page

    drawing.tail, tail = None, drawing.tail
    drawing.set("xmlns", "http://www.w3.org/2000/svg")
    if drawing.xpath("boolean(.//@*[name()='xlink:href'])"):
        drawing.set("xmlns:xlink", "http://www.w3.org/1999/xlink")
    source = lxml.etree.tostring(drawing, encoding="unicode")
    source = source.replace(" viewbox=", " viewBox=").replace(" preserveaspectratio=", " preserveAspectRatio=")
    label = " ".join(drawing.xpath(".//*[local-name()='title']/text()"))[:200] or "diagram"
    image = drawing.makeelement(
        "img", {"alt": label, "src": "data:image/svg+xml;base64," + base64.b64encode(source.encode()).decode()}
    )
    image.tail = tail
    drawing.getparent().replace(drawing, image)


def _text(tree: Any) -> str:
    words = tree.xpath(
        ".//text()[not(ancestor::a[contains(@class,'headerlink')])][not(ancestor::td[@class='linenos'])]"
    )
    return _SPACE.sub(" ", " ".join(words)).strip()


def read_navigation(html: str, name: str) -> tuple[NavNode, ...]:
    """Read the navigation that the theme drew on a page, with paths relative to the site."""
    import lxml.html  # noqa: PLC0415 - see read_page

    start = html.find("md-nav--primary")
    if start < 0:
        return ()
    start = html.rfind("<nav", 0, start)
    end = html.find('<div class="md-sidebar md-sidebar--secondary', start)
    end = end if end > 0 else html.find('<div class="md-content', start)
    tree = lxml.html.fragment_fromstring(html[start : end if end > 0 else None], create_parent="div")
    lists = tree.xpath("(.//nav[contains(@class,'md-nav--primary')])[1]/ul")
    return tuple(_nav_nodes(lists[0], f"https://site.invalid/{name}")) if lists else ()


def _nav_nodes(listing: Any, base: str) -> Iterable[NavNode]:
    for item in listing.xpath("./li[contains(@class,'md-nav__item')]"):
        nested = item.xpath("./nav[not(contains(@class,'md-nav--secondary'))]/ul")
        link = item.xpath("./a[contains(@class,'md-nav__link')]|./div[contains(@class,'md-nav__container')]/a")
        words = link or item.xpath(
            "./label[contains(@class,'md-nav__link')]|./div//label[contains(@class,'md-nav__link')]"
        )
        title = _label(words[0]) if words else ""
        children = tuple(_nav_nodes(nested[0], base)) if nested else ()
        path: str | None = None
        external = ""
        if link:
            parts = urlsplit(urljoin(base, link[0].get("href") or ""))
            if parts.netloc == "site.invalid":
                path = page_path(unquote(parts.path).lstrip("/"))
            elif parts.scheme in ("http", "https"):
                external = parts.geturl()
        if title or children:
            yield NavNode(title or "…", path, children, external)


def _label(node: Any) -> str:
    found = node.xpath(".//span[contains(@class,'md-ellipsis')]")
    return _SPACE.sub(" ", (found[0] if found else node).text_content()).strip()
