"""Turn items of a JSON answer into entities: with Jinja in a sandbox, or with JMESPath."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from callboard.lib.problems import Problem
from callboard.lib.yaml12 import read_documents
from callboard.plugins.sources.clients.entities import API_VERSION, name_of
from callboard.plugins.sources.types.found import SourceError

MAX_OUTPUT = 200_000
_WHOLE = re.compile(r"\$\{\{((?:(?!\}\}).)*)\}\}", re.DOTALL)


class MappingError(ValueError):
    """An item that the mapping cannot turn into an entity."""


def mapper(language: str, text: str) -> Callable[[dict[str, Any]], list[dict[str, Any]]]:
    """Answer what turns ``{"item": …, "index": …}`` into entities; raises :class:`SourceError` for a bad mapping."""
    return _jinja(text) if language == "jinja" else _jmespath(text)


def items_of(expression: str, answer: Any) -> list[Any]:
    """Answer the items of a JSON answer; raises :class:`SourceError`."""
    found = search(expression, answer) if expression.strip() not in ("", "@") else answer
    if isinstance(found, dict) and expression.strip() in ("", "@"):
        lists = [value for value in found.values() if isinstance(value, list)]
        if len(lists) == 1:
            return list(lists[0])
    if found is None:
        return []
    if not isinstance(found, list):
        raise SourceError(
            f"The expression {expression} leads to {_kind(found)}, not to a list.",
            "Say under Items where the list is, such as data.services.",
        )
    return found


def search(expression: str, value: Any) -> Any:
    """Answer what a JMESPath expression finds; raises :class:`SourceError` where it cannot be read."""
    import jmespath  # noqa: PLC0415 - one type of source needs it
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    try:
        return jmespath.search(expression, value)
    except JMESPathError as error:
        raise SourceError(
            f"The expression {expression} cannot be used: {' '.join(str(error).split())}", "Correct it."
        ) from None


def _jmespath(text: str) -> Callable[[dict[str, Any]], list[dict[str, Any]]]:
    import jmespath  # noqa: PLC0415 - see search
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    try:
        compiled = jmespath.compile(text)
    except JMESPathError as error:
        raise SourceError(f"The mapping cannot be read: {' '.join(str(error).split())}", "Correct it.") from None

    def run(given: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            found = compiled.search(given["item"])
        except JMESPathError as error:
            raise MappingError(" ".join(str(error).split())) from None
        return _entities(found)

    return run


def _jinja(text: str) -> Callable[[dict[str, Any]], list[dict[str, Any]]]:
    """Read the mapping as YAML first, so that no item can write keys of its own; then fill in its texts."""
    from jinja2 import TemplateError  # noqa: PLC0415 - see search

    documents = []
    for document in read_documents(text.encode(), "mapping"):
        if isinstance(document, Problem):
            raise SourceError(
                f"The mapping cannot be read: line {document.place.line}: {document.message}", document.remedy
            )
        documents.append(document.value)
    try:
        filled = [_prepared(document, _environment()) for document in documents]
    except TemplateError as error:
        raise SourceError(f"The mapping cannot be read: {error}.", "Correct it.") from None

    def run(given: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            return [entity for fill in filled for entity in _entities(fill(given))]
        except TemplateError as error:
            raise MappingError(str(error).rstrip(".")) from None
        except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise MappingError(f"{type(error).__name__}: {error}") from None

    return run


def _environment() -> Any:
    from jinja2 import ChainableUndefined  # noqa: PLC0415 - see search
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    # A field that an item lacks is nothing, however deep it is looked for.
    environment = ImmutableSandboxedEnvironment(
        variable_start_string="${{",
        variable_end_string="}}",
        undefined=ChainableUndefined,
        autoescape=False,
    )
    environment.filters["slug"] = lambda value: name_of(value or "").lower()
    environment.globals = {}
    return environment


def _prepared(value: Any, environment: Any) -> Callable[[dict[str, Any]], Any]:
    """Answer what fills in a value of the mapping; fields that come to nothing are left out."""
    if isinstance(value, dict):
        parts = {str(key): _prepared(item, environment) for key, item in value.items()}

        def fill_dict(given: dict[str, Any]) -> Any:
            filled = {key: fill(given) for key, fill in parts.items()}
            return {key: item for key, item in filled.items() if item is not None and item != ""}

        return fill_dict
    if isinstance(value, list):
        items = [_prepared(item, environment) for item in value]
        return lambda given: [found for fill in items if (found := fill(given)) not in (None, "")]
    if not isinstance(value, str) or "${{" not in value:
        return lambda _given: value
    whole = _WHOLE.fullmatch(value.strip())
    if whole:
        # A text that is one expression keeps the type of what it finds: lists stay lists.
        compiled = environment.compile_expression(whole[1], undefined_to_none=True)
        return lambda given: _bounded(compiled(**given))
    template = environment.from_string(value)
    return lambda given: _bounded(template.render(**given).strip())


def _bounded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_OUTPUT:
        raise MappingError(f"a text has more than {MAX_OUTPUT:,} characters")
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)


def _entities(found: Any) -> list[dict[str, Any]]:
    if found is None or found == {}:
        return []
    if isinstance(found, list):
        return [entity for one in found for entity in _entities(one)]
    if not isinstance(found, dict):
        raise MappingError(f"it makes {_kind(found)} where an entity is needed")
    found.setdefault("apiVersion", API_VERSION)
    return [found]


def _kind(value: Any) -> str:
    return {str: "a text", bool: "true or false", int: "a number", float: "a number", dict: "an object"}.get(
        type(value), "a list"
    )
