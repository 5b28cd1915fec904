"""What the labelled questions are asked of: the demo organisation, and public documentation that comes as packages.

Nothing is copied here. Python's own language reference (PSF licence) stands in its standard library; messages in
German and Indonesian (BSD and MIT licences) in the translations of Django and django-allauth.
"""

from __future__ import annotations

import gettext
import importlib.util
import pydoc_data.topics
import re
from collections.abc import Iterator
from pathlib import Path

from callboard.sdk.contributions import SearchDocument

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo"
HEADING = re.compile(r"^#{1,3}\s+(.+)$", re.MULTILINE)
TRANSLATED = ("django.contrib.auth", "django.contrib.admin", "allauth")
LANGUAGES = {"de": "german", "id": "indonesian"}


def documentation() -> Iterator[SearchDocument]:
    """Yield the sections of the demo organisation's pages, as a docs collator would."""
    for file in sorted(DEMO.rglob("docs/**/*.md")):
        path = file.relative_to(DEMO).as_posix()
        if "skeleton" in path:
            continue
        text = file.read_text()
        parts = HEADING.split(text)
        for heading, body in zip(parts[1::2], parts[2::2], strict=True):
            yield SearchDocument(
                title=heading,
                text=body,
                location=f"/docs/{path}#{heading}".replace(" ", "-"),
                key=f"{path}#{heading}",
                ref=path,
                weight=0.9,
                fields={"page": parts[1]},
                keywords=parts[1] if heading != parts[1] else "",
            )


def python_topics() -> Iterator[SearchDocument]:
    """Yield the topics of Python's language reference."""
    for name, text in sorted(pydoc_data.topics.topics.items()):
        title = next((line for line in text.splitlines() if line.strip() and not set(line) <= set('*=-~^"')), name)
        yield SearchDocument(
            title=title.strip(' "*'), text=text, location=f"https://docs.python.org/3/#{name}", key=name, keywords=name
        )


def messages() -> Iterator[SearchDocument]:
    """Yield longer messages in German and Indonesian, each a document of its own."""
    for package in TRANSLATED:
        spec = importlib.util.find_spec(package)
        place = Path(next(iter(spec.submodule_search_locations)))
        for code, language in LANGUAGES.items():
            with (place / "locale" / code / "LC_MESSAGES" / "django.mo").open("rb") as stream:
                catalog = gettext.GNUTranslations(stream)._catalog
            for original, translated in catalog.items():
                if isinstance(original, str) and len(original) > 45 and translated and original != translated:
                    yield SearchDocument(
                        title=" ".join(translated.split()[:8]),
                        text=translated,
                        location=f"/messages/{code}/{abs(hash(original))}",
                        key=f"{code}:{original}",
                        language=language,
                    )


def label_key(label: str) -> tuple[str, str]:
    """Answer the type of a label's document and its key; the key of a message is its beginning."""
    kind, _, rest = label.partition(":")
    if kind == "op":
        api, _, operation = rest.partition(" ")
        return "api-definition", f"api:default/{api}#operation/{operation}"
    if kind == "doc":
        return "bench-docs", rest
    if kind == "py":
        return "bench-python", rest
    if kind in LANGUAGES:
        return "bench-messages", f"{kind}:{rest}"
    return "software-catalog", f"{kind}:default/{rest}"
