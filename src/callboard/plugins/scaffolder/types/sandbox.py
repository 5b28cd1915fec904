"""The Jinja environment that templates run in: Nunjucks' ways, JSON values only, everything counted.

Imports Jinja, so it is imported by the functions that render and by nothing at start-up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from jinja2 import Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import LoopContext, Macro
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Cycler, Joiner, pass_context

from callboard.plugins.scaffolder.types.budget import LimitError, TemplatingError, budget
from callboard.plugins.scaffolder.types.filters import FILTERS, TESTS
from callboard.plugins.scaffolder.types.members import Method, member
from callboard.plugins.scaffolder.types.values import Pattern, contains, equal, ordered, truthy, written

_REGEX = re.compile(r"(?<![\w.\"'])r/((?:\\.|[^/\\\n])+)/([gimsuy]*)")
_OLD_WORDS = re.compile(r"(\{%-?\s*)(end)?verbatim(\s*-?%\})")
_DIALECT = re.compile(r"[=!]==|elseif|verbatim|\br/|\{%-?\s*(?:switch|case|async|ifAsync|include|import|from|extends)")
_UNKNOWN = {
    "switch": "use if, elif and else",
    "case": "use if, elif and else",
    "asyncEach": "use for",
    "asyncAll": "use for",
    "ifAsync": "use if",
    "include": "templates render one file at a time",
    "import": "templates render one file at a time",
    "from": "templates render one file at a time",
    "extends": "templates render one file at a time",
}


class Missing(Undefined):
    """The value of a name that nobody has set: it is false, writes nothing, and so do its members."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Missing:
        if name[:2] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, name: Any) -> Missing:  # type: ignore[override]
        return self

    def __call__(self, *_args: Any, **_named: Any) -> NoReturn:
        """Say that it is no function."""
        raise TemplatingError(f"there is no function called {self._undefined_name or ''}".rstrip())


class _Dialect(Extension):
    """Nunjucks' spellings: ``===``, ``elseif``, regular expressions, ``verbatim``."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's
        """Respell what Jinja's lexer does not know."""
        if "verbatim" in source:
            source = _OLD_WORDS.sub(r"\1\2raw\3", source)
        if "r/" not in source:
            return source
        env = self.environment
        start, end = re.escape(env.variable_start_string), re.escape(env.variable_end_string)
        return re.sub(rf"{start}.*?{end}|\{{%.*?%\}}", _spell_regex, source, flags=re.DOTALL)

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Read Nunjucks' words as Jinja's."""
        before: Token | None = None
        begun = False
        for token in stream:
            if token.type == "assign" and before is not None and before.type in {"eq", "ne"}:
                before = None  # the third character of === and !==
                continue
            if begun and token.type == "name" and token.value == "elseif":
                token = Token(token.lineno, "name", "elif")  # noqa: PLW2901
            if begun and token.type == "name" and token.value in _UNKNOWN:
                raise TemplatingError(
                    f"line {token.lineno}: {{% {token.value} %}} is not supported; {_UNKNOWN[token.value]}"
                )
            begun = token.type == "block_begin"
            before = token
            yield token


def _spell_regex(tag: re.Match[str]) -> str:
    def spell(match: re.Match[str]) -> str:
        # Python and Jinja agree on how strings are quoted.
        return f"__regex({match.group(1)!r}, {match.group(2)!r})"

    return _REGEX.sub(spell, tag.group())


class _Generator(CodeGenerator):
    """Let comparisons and ``~`` go through the environment, which counts them."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        # Nothing is calculated while compiling: Python's rules would be taken for JavaScript's.
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        """Write a call for `a ~ b`."""
        self.write("environment.put_together((")
        for item in node.nodes:
            self.visit(item, frame)
            self.write(", ")
        self.write("))")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        """Write a call for `a == b`."""
        self.write("environment.compared(")
        self.visit(node.expr, frame)
        for operand in node.ops:
            self.write(f", {operand.op!r}, ")
            self.visit(operand.expr, frame)
        self.write(")")


class _Turns:
    """What a loop goes through; every pass counts."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        spend = budget()
        for item in self._items:
            spend.turn()
            yield item


def _turns(value: Any) -> _Turns:
    if isinstance(value, _Turns):
        return value
    if isinstance(value, Mapping):
        return _Turns(list(value))
    if isinstance(value, range):
        return _Turns(list(value))
    return _Turns(list(value) if isinstance(value, (str, list, tuple)) else [])


def _entries(value: Any) -> _Turns:
    if isinstance(value, Mapping):
        return _Turns([[key, item] for key, item in value.items()])
    return _turns(value)


def _range(start: Any, stop: Any = None, step: Any = 1) -> list[int]:
    first, last = (0, start) if stop is None else (start, stop)
    if not all(isinstance(n, (int, float)) for n in (first, last, step)) or not int(step):
        raise TemplatingError("range: numbers were expected")
    found = range(int(first), int(last), int(step))
    try:
        budget().room_for(len(found))
    except OverflowError:
        raise LimitError("range: it is too long") from None
    return list(found)


class Environment(SandboxedEnvironment):
    """One dialect of templates: ``${{ }}``, or ``{{ }}`` for cookiecutter's."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset({"-", "+"})

    def __init__(
        self,
        *,
        cookiecutter: bool = False,
        trim_blocks: bool = False,
        lstrip_blocks: bool = False,
        filters: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        super().__init__(
            variable_start_string="{{" if cookiecutter else "${{",
            variable_end_string="}}",
            trim_blocks=trim_blocks,
            lstrip_blocks=lstrip_blocks,
            keep_trailing_newline=True,
            undefined=Missing,
            finalize=written,
            extensions=[_Dialect],
            optimized=False,
            cache_size=0,
        )
        outside = {name: _guarded(name, function) for name, function in (filters or {}).items()}
        self.filters = {**outside, **FILTERS}
        self.filters["__turns"], self.filters["__entries"] = _turns, _entries
        self.filters["__truth"] = truthy
        for name in ("select", "reject"):
            self.filters[name] = _selecting(keep=name == "select")
        self.tests = dict(TESTS)
        self.globals = {"range": _range, "cycler": _cycler, "joiner": _joiner, "__regex": Pattern, "null": None}
        self.globals |= {"always": _always, "failure": _failure}

    # --- What templates may reach --------------------------------------------------

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Answer a member; only JSON has any, and loops have their counters."""
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        if isinstance(obj, (Cycler, Joiner)) and attribute in {"next", "reset", "current"}:
            return getattr(obj, attribute)
        if isinstance(obj, Missing):
            return obj
        return member(obj, attribute, lambda: self.undefined(obj=obj, name=attribute))

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Answer what stands at a key or an index, or a slice."""
        if isinstance(argument, slice):
            return obj[argument] if isinstance(obj, (str, list, tuple)) else self.undefined(obj=obj)
        return self.getattr(obj, argument) if isinstance(argument, str) else member(obj, argument, self.undefined)

    def is_safe_callable(self, obj: Any) -> bool:
        """Only the functions that were put here, methods of JSON and macros may be called."""
        return isinstance(obj, (Method, Macro, Cycler, Joiner)) or any(obj is one for one in self.globals.values())

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 - Jinja's
        """Count a call, then call."""
        budget().turn(5)
        if isinstance(__obj, Missing):
            return __obj()
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, (Cycler, Joiner)) or (isinstance(owner, LoopContext) and __obj.__name__ == "cycle"):
            return __obj(*args)
        if isinstance(__obj, LoopContext) or not __self.is_safe_callable(__obj):
            raise TemplatingError(f"{written_name(__obj)} cannot be called")
        return __context.call(__obj, *args, **kwargs)

    # --- Operators, the way JavaScript has them --------------------------------------

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 - Jinja's
        """Calculate within the budget; ``+`` puts texts together."""
        budget().turn()
        if operator == "+":
            return _plus(left, right)
        a, b = _numeral(left, operator), _numeral(right, operator)
        try:
            return _calculated(operator, a, b)
        except ZeroDivisionError:
            return float("nan")
        except OverflowError as error:
            raise LimitError("a number grows too large") from error

    def call_unop(self, context: Any, operator: str, arg: Any) -> Any:  # noqa: ARG002 - Jinja's
        """Answer the number, or its negative."""
        number = _numeral(arg, operator)
        return -number if operator == "-" else number

    def put_together(self, parts: tuple[Any, ...]) -> str:
        """Answer ``a ~ b``."""
        texts = [written(part) for part in parts]
        budget().make(sum(map(len, texts)))
        return "".join(texts)

    def compared(self, left: Any, *more: Any) -> bool:
        """Answer ``a == b``, ``a in b`` and so on, also several in a row."""
        for operator, right in zip(more[::2], more[1::2], strict=True):
            if not _holds(operator, left, right):
                return False
            left = right
        return True

    # --- From source to code -----------------------------------------------------------

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        # Few files use a spelling of Nunjucks' own, and respelling costs a fifth of compiling.
        if _DIALECT.search(source):
            return super()._tokenize(source, name, filename, state)
        return self.lexer.tokenize(source, name, filename, state)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > budget().limits.source:
            raise LimitError(f"it is longer than {budget().limits.source:,} characters")
        return prepared(super()._parse(source, name, filename))


_LOOP = frozenset(
    ("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0", "cycle", "previtem",
     "nextitem")
)  # fmt: skip


def prepared(tree: nodes.Template) -> nodes.Template:
    """Have loops counted and conditions read as JavaScript does, in one walk; answer the tree."""
    deepest = budget().limits.depth
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    found: list[nodes.Node] = []
    while waiting:
        node, depth = waiting.pop()
        if depth > deepest:
            raise LimitError("it is nested too deeply")
        if type(node) in _CHANGES:
            found.append(node)
        for name in node.fields:
            value = getattr(node, name, None)
            if isinstance(value, nodes.Node):
                waiting.append((value, depth + 1))
            elif isinstance(value, list):
                waiting.extend((item, depth + 1) for item in value if isinstance(item, nodes.Node))
    for node in found:
        _CHANGES[type(node)](node)
    return tree


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _counted(loop: Any) -> None:
    loop.iter = _filtered(loop.iter, "__entries" if isinstance(loop.target, nodes.Tuple) else "__turns")
    if loop.test is not None:
        loop.test = _filtered(loop.test, "__truth")


def _conditional(node: Any) -> None:
    node.test = _filtered(node.test, "__truth")


def _negated(node: Any) -> None:
    node.node = _filtered(node.node, "__truth")


def _named(pair: Any) -> None:
    if isinstance(pair.key, nodes.Name):
        # As in JavaScript, `{kind: 'User'}` has the key "kind".
        pair.key = nodes.Const(pair.key.name, lineno=pair.lineno)


_CHANGES: dict[type, Callable[[Any], None]] = {
    nodes.For: _counted,
    nodes.If: _conditional,
    nodes.CondExpr: _conditional,
    nodes.Not: _negated,
    nodes.Pair: _named,
}


def _holds(operator: str, left: Any, right: Any) -> bool:
    if operator in {"eq", "ne"}:
        return equal(left, right) == (operator == "eq")
    if operator in {"in", "notin"}:
        return contains(left, right) == (operator == "in")
    return ordered(operator, left, right)


def _plus(left: Any, right: Any) -> Any:
    numbers = (int, float)
    if isinstance(left, numbers) and isinstance(right, numbers):
        return left + right
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        budget().room_for(len(left) + len(right))
        return [*left, *right]
    a, b = written(left), written(right)
    budget().make(len(a) + len(b))
    return a + b


def _numeral(value: Any, operator: str) -> int | float:
    if value is None:
        return 0
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        try:
            return float(value) if "." in value or "e" in value.lower() else int(value or "0")
        except ValueError:
            pass
    raise TemplatingError(f"numbers are needed on both sides of {operator}")


def _calculated(operator: str, a: float, b: float) -> int | float:
    if operator == "-":
        return a - b
    if operator == "*":
        _small(a, b)
        return a * b
    if operator == "/":
        found = a / b
        return int(found) if found.is_integer() and abs(found) < 2**53 else found
    if operator == "//":
        return a // b
    if operator == "%":
        return a % b
    if abs(a) > 2**53 or abs(b) > 1000:
        raise LimitError("a number grows too large")
    answer: int | float = a**b
    return answer


def _small(*numbers: float) -> None:
    if any(isinstance(n, int) and n.bit_length() > 2000 for n in numbers):
        raise LimitError("a number grows too large")


def _always() -> bool:
    return True


@pass_context
def _failure(context: Any) -> bool:
    return bool(context.get("__failed"))


def _cycler(*items: Any) -> Cycler:
    return Cycler(*items)


def _joiner(sep: Any = ",") -> Joiner:
    return Joiner(written(sep))


def _selecting(*, keep: bool) -> Callable[..., Any]:
    def select(value: Any, test: Any = "truthy", *args: Any) -> list[Any]:
        function = TESTS.get(test) if isinstance(test, str) else None
        if function is None:
            raise TemplatingError(f"there is no test called {written(test)}")
        return [item for item in _turns(value) if function(item, *args) == keep]

    return select


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **named: Any) -> Any:
        budget().turn(5)
        try:
            answer = function(*args, **named)
        except TemplatingError:
            raise
        except Exception as error:
            raise TemplatingError(f"the filter {name} failed: {error}") from error
        if isinstance(answer, str):
            budget().make(len(answer))
        return answer

    return call


def written_name(value: Any) -> str:
    """Name a value in a message without showing what it is made of."""
    if isinstance(value, str):
        return "a text"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else "this"


__all__ = ["Environment", "Missing", "prepared"]
