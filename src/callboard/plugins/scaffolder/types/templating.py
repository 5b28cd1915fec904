"""Render ``${{ }}``: texts of files, and values of steps, which keep their type.

>>> render_value({"port": "${{ parameters.port }}"}, {"parameters": {"port": 8080}})
{'port': 8080}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from callboard.plugins.scaffolder.types.budget import LIMITS, Budget, LimitError, Limits, TemplatingError, spending
from callboard.plugins.scaffolder.types.values import is_undefined, plain

if TYPE_CHECKING:
    from callboard.plugins.scaffolder.types.sandbox import Environment

Filters = tuple[tuple[str, Callable[..., Any]], ...]

_NOTHING = object()


@dataclass(frozen=True)
class Style:
    """How files are written: cookiecutter's braces, what happens to lines that hold only a tag."""

    cookiecutter: bool = False
    trim_blocks: bool = False
    lstrip_blocks: bool = False


PLAIN = Style()


@lru_cache(maxsize=16)
def environment(style: Style = PLAIN, filters: Filters = ()) -> Environment:
    """Answer the environment of a style, with the filters that plugins add."""
    # Jinja is slow to import, and most processes never render.
    from callboard.plugins.scaffolder.types.sandbox import Environment  # noqa: PLC0415

    return Environment(
        cookiecutter=style.cookiecutter,
        trim_blocks=style.trim_blocks,
        lstrip_blocks=style.lstrip_blocks,
        filters=dict(filters),
    )


def has_tags(text: str, style: Style = PLAIN) -> bool:
    """Whether a text has anything to render; most files of most templates have not."""
    return ("{{" if style.cookiecutter else "${{") in text or "{%" in text or "{#" in text


def render_text(
    text: str,
    context: Mapping[str, Any],
    *,
    style: Style = PLAIN,
    filters: Filters = (),
    limits: Limits = LIMITS,
) -> str:
    """Render a text. Raises :class:`TemplatingError`, whose message names the line."""
    if not has_tags(text, style):
        return text
    with spending(limits) as spend:
        return _explained(lambda: _rendered(environment(style, filters), text, context, spend))


def _rendered(env: Environment, text: str, context: Mapping[str, Any], spend: Budget) -> str:
    template = _compiled(env, text)
    found = template.new_context(dict(context))
    parts: list[str] = []
    size = 0
    for part in template.root_render_func(found):
        size += len(part)
        spend.turn()
        if size > spend.limits.output:
            raise LimitError(f"the result is longer than {spend.limits.output:,} characters")
        parts.append(part)
    return "".join(parts)


@lru_cache(maxsize=512)
def _compiled(env: Environment, text: str) -> Any:
    return env.from_string(text)


@lru_cache(maxsize=1024)
def _single(env: Environment, text: str) -> Any:
    """Answer the compiled expression of a text that is exactly one, or nothing."""
    from jinja2 import nodes  # noqa: PLC0415 - see environment()

    if not (text.startswith(env.variable_start_string) and text.endswith("}}")):
        return None
    tree = env.parse(text)
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output) or len(tree.body[0].nodes) != 1:
        return None
    node = tree.body[0].nodes[0]
    if isinstance(node, nodes.TemplateData):
        return None
    body: list[nodes.Node] = [nodes.Assign(nodes.Name("result", "store"), node, lineno=1)]
    return env.from_string(nodes.Template(body, lineno=1))


def evaluate(text: str, context: Mapping[str, Any], *, filters: Filters = ()) -> Any:
    """Answer the value of a text: of any type if it is one expression, otherwise the rendered text.

    A name that nobody has set is answered as ``None``.
    """
    found = _evaluated(text, context, filters)
    return None if found is _NOTHING else found


def _evaluated(text: str, context: Mapping[str, Any], filters: Filters) -> Any:
    if not has_tags(text):
        return text
    with spending() as spend:
        env = environment(PLAIN, filters)

        def value() -> Any:
            single = _single(env, text.strip())
            if single is None:
                return _rendered(env, text, context, spend)
            found = single.new_context(dict(context))
            for _part in single.root_render_func(found):
                pass
            answer = found.vars["result"]
            if is_undefined(answer):
                return _NOTHING
            if callable(answer):
                raise TemplatingError("a function is no value")
            return plain(answer)

        return _explained(value)


def render_value(value: Any, context: Mapping[str, Any], *, filters: Filters = ()) -> Any:
    """Render every string inside a JSON value.

    A string that is exactly one expression keeps the type of its value; keys whose value is undefined
    vanish, and in lists they become ``None``. Raises :class:`TemplatingError`, naming the place.
    """
    with spending():
        found = _walked(value, context, filters, "", 0)
    return None if found is _NOTHING else found


def _walked(value: Any, context: Mapping[str, Any], filters: Filters, path: str, depth: int) -> Any:
    if depth > LIMITS.depth:
        raise LimitError("values are nested too deeply")
    if isinstance(value, str):
        try:
            return _evaluated(value, context, filters)
        except LimitError as error:
            raise LimitError(f"{path}: {error}" if path else str(error)) from error
        except TemplatingError as error:
            raise TemplatingError(f"{path}: {error}" if path else str(error)) from error
    if isinstance(value, Mapping):
        result = {}
        for key, item in value.items():
            found = _walked(item, context, filters, f"{path}.{key}" if path else str(key), depth + 1)
            if found is not _NOTHING:
                result[key] = found
        return result
    if isinstance(value, (list, tuple)):
        items = [_walked(item, context, filters, f"{path}[{n}]", depth + 1) for n, item in enumerate(value)]
        return [None if item is _NOTHING else item for item in items]
    return value


def _explained(render: Callable[[], Any]) -> Any:
    """Turn whatever goes wrong inside Jinja into an error that a template author understands."""
    from jinja2.exceptions import TemplateError, TemplateSyntaxError  # noqa: PLC0415 - see environment()

    try:
        return render()
    except TemplatingError:
        raise
    except TemplateSyntaxError as error:
        raise TemplatingError(f"line {error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise LimitError("it is nested too deeply, or a macro calls itself without end") from error
    except MemoryError as error:
        raise LimitError("it needs more memory than there is") from error
    except TemplateError as error:
        raise TemplatingError(error.message or str(error)) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise TemplatingError(_in_words(error)) from error


def _in_words(error: Exception) -> str:
    text = str(error).replace("<lambda>()", "the filter").replace("jinja2.", "")
    return f"{type(error).__name__}: {text}" if isinstance(error, KeyError) else text


__all__ = [
    "LimitError",
    "Style",
    "TemplatingError",
    "environment",
    "evaluate",
    "has_tags",
    "render_text",
    "render_value",
]
