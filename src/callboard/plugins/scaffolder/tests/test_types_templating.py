"""What `${{ }}` does: the ways of Nunjucks, types that stay, limits that hold, no way out."""

import contextlib
import time

import pytest

from callboard.plugins.scaffolder.types.budget import Limits
from callboard.plugins.scaffolder.types.templating import (
    LimitError,
    Style,
    TemplatingError,
    evaluate,
    render_text,
    render_value,
)

CONTEXT = {
    "parameters": {
        "name": "my-service", "port": 8080, "tags": ["a", "b"], "db": False, "obj": {"x": 1}, "empty": [],
        "ratio": 1.0, "nothing": None, "repoUrl": "github.com?owner=acme&repo=shop",
    },
    "steps": {"fetch-it": {"output": {"url": "https://x.example"}}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ parameters.name }}", "my-service"),
        ("${{ parameters.port }}", 8080),
        ("${{ parameters.tags }}", ["a", "b"]),
        ("${{ parameters.db }}", False),
        ("${{ parameters.obj }}", {"x": 1}),
        ("${{ parameters.nope }}", None),
        ("  ${{ parameters.port }}  ", 8080),
        ("${{ parameters.nope.deeper.still }}", None),
        ("port ${{ parameters.port }}", "port 8080"),
        ("${{ parameters.tags }} ${{ parameters.db }} ${{ parameters.obj }}|${{ parameters.nothing }}", 'a,b false {"x":1}|'),
        ("r ${{ parameters.ratio }}", "r 1"),
        ("${{ parameters.name | replace('-', '_') }}", "my_service"),
        ("${{ parameters.name | replace(r/[aeiou]/g, '*') }}", "my-s*rv*c*"),
        ("${{ parameters.name | replace(r/(\\w+)-(\\w+)/, '$2-$1') }}", "service-my"),
        ("${{ parameters.name.toUpperCase() }}", "MY-SERVICE"),
        ("${{ parameters.name.split('-')[1] }}", "service"),
        ("${{ parameters.tags.length }}", 2),
        ("${{ parameters.tags.includes('b') }}", True),
        ("${{ parameters.name | title }}", "My-service"),
        ("${{ 'one two' | title }}", "One Two"),
        ("${{ parameters.tags | dump }}", '["a","b"]'),
        ("${{ parameters.obj | dump(2) }}", '{\n  "x": 1\n}'),
        ("${{ parameters.tags | join(' + ') }}", "a + b"),
        ("${{ parameters.repoUrl | projectSlug }}", "acme/shop"),
        ("${{ parameters.repoUrl | parseRepoUrl }}", {"host": "github.com", "owner": "acme", "repo": "shop"}),
        ("${{ (parameters.repoUrl | parseRepoUrl).owner }}", "acme"),
        ("${{ parameters.repoUrl | parseRepoUrl | pick('repo') }}", "shop"),
        ("${{ 'group:ops/night' | parseEntityRef | pick('namespace') }}", "ops"),
        ("${{ 'ada' | parseEntityRef({ defaultKind: 'User' }) | pick('kind') }}", "User"),
        ("${{ steps['fetch-it'].output.url }}", "https://x.example"),
        ("${{ parameters.name === 'my-service' and parameters.port !== 1 }}", True),
        ("${{ parameters.port == '8080' }}", True),
        ("${{ parameters.nope == null }}", True),
        ("${{ parameters.nope is defined }}", False),
        ("${{ parameters.nope or 'other' }}", "other"),
        ("${{ parameters.nope | default('other') }}", "other"),
        ("${{ 'yes' if parameters.db else 'no' }}", "no"),
        ("${{ parameters.port + 1 }}", 8081),
        ("${{ 'v' + 1 }}", "v1"),
        ("${{ 7 / 2 }}", 3.5),
        ("${{ 6 / 2 }}", 3),
        ("{% if parameters.empty %}full{% elseif true %}bare{% endif %}", "full"),
        ("{% for key, value in parameters.obj %}${{ key }}=${{ value }};{% endfor %}", "x=1;"),
        ("{% for t in parameters.tags %}${{ loop.index }}${{ t }}{% if not loop.last %},{% endif %}{% endfor %}", "1a,2b"),
        ("{% set x = parameters.port %}${{ x }}", "8080"),
        ("{% macro tag(name) %}<${{ name }}>{% endmacro %}${{ tag('b') }}", "<b>"),
        ("{% verbatim %}${{ left }}{% endverbatim %}", "${{ left }}"),
        ("{{ not.ours }}", "{{ not.ours }}"),
        ("${{ [3, 1, 2] | sort | first }}", 1),
        ("${{ '<b>' | escape }}", "&lt;b&gt;"),
        ("${{ 'a b' | urlencode }}", "a%20b"),
        ("${{ parameters.tags | length }}", 2),
        ("${{ parameters.obj | dictsort }}", [["x", 1]]),
    ],
)  # fmt: skip
def test_an_expression_has_the_value_that_nunjucks_gives_it(text, value):
    assert evaluate(text, CONTEXT) == value


def test_values_keep_their_type_and_undefined_keys_vanish():
    given = {
        "port": "${{ parameters.port }}", "gone": "${{ parameters.nope }}", "list": ["${{ parameters.nope }}", 1],
        "deep": {"text": "${{ parameters.name }}!", "null": None},
    }  # fmt: skip
    expected = {"port": 8080, "list": [None, 1], "deep": {"text": "my-service!", "null": None}}
    assert render_value(given, CONTEXT) == expected


def test_an_error_names_the_place():
    with pytest.raises(TemplatingError, match=r"^url\.parts\[1\]: line 1: "):
        render_value({"url": {"parts": ["fine", "${{ broken"]}}, CONTEXT)
    with pytest.raises(TemplatingError, match="No filter named 'shoult'"):
        evaluate("${{ parameters.name | shoult }}", CONTEXT)
    with pytest.raises(TemplatingError, match=r"line 2: .*switch.* not supported; use if"):
        render_text("\n{% switch x %}{% case 1 %}{% endswitch %}", {})
    with pytest.raises(TemplatingError, match="there is no function called shell"):
        evaluate("${{ shell('ls') }}", CONTEXT)


def test_cookiecutter_files_have_braces_of_their_own():
    style = Style(cookiecutter=True)
    text = "{{ cookiecutter.name.lower().replace(' ', '-') }} {{ cookiecutter | jsonify }} ${{ kept }}"
    assert render_text(text, {"cookiecutter": {"name": "My App"}}, style=style) == 'my-app {"name":"My App"} $'


def test_blocks_are_trimmed_when_asked_for():
    text = "a\n  {% if true %}\nb\n  {% endif %}\nc\n"
    assert render_text(text, {}, style=Style(trim_blocks=True, lstrip_blocks=True)) == "a\nb\nc\n"
    assert render_text(text, {}) == "a\n  \nb\n  \nc\n"


def test_filters_of_plugins_work_and_their_failures_say_whose_they_are():
    filters = (("shout", lambda text: text.upper() + "!"), ("fall", lambda text: text.nothing))
    assert evaluate("${{ 'ho' | shout }}", {}, filters=filters) == "HO!"
    with pytest.raises(TemplatingError, match="the filter fall failed"):
        evaluate("${{ 'ho' | fall }}", {}, filters=filters)


ESCAPES = [
    "${{ ''.__class__ }}",
    "${{ ''['__class__']['__mro__'][1]['__subclasses__']() }}",
    "${{ ''|attr('__class__') }}",
    "${{ [].__class__.__base__.__subclasses__() }}",
    "${{ parameters.__init__.__globals__ }}",
    "${{ range.__globals__ }}",
    "${{ range.__self__ }}",
    "${{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "${{ joiner()['__init__']['__globals__'] }}",
    "${{ self._TemplateReference__context }}",
    "${{ self.__init__.__globals__ }}",
    "${{ self['__class__'] }}",
    "${{ lipsum.__globals__['os'] }}",
    "${{ namespace.__init__.__globals__ }}",
    "${{ ''.format.__self__ }}",
    "${{ '{0.__class__}'.format(1) }}",
    "${{ '{0.__class__}' | format(1) }}",
    "${{ parameters.name.lower.__func__ }}",
    "${{ parameters.name.lower._function.__globals__ }}",
    "${{ parameters.name.lower._value }}",
    "${{ parameters.name.lower['name'] }}",
    "{% for x in [1] %}${{ loop.__class__ }}{% endfor %}",
    "{% for x in [1] %}${{ loop._iterable }}{% endfor %}",
    "{% for x in [1] %}${{ loop.cycle.__func__ }}{% endfor %}",
    "{% macro m() %}{% endmacro %}${{ m._func }}${{ m.__class__ }}${{ m['_environment'] }}",
    "{% macro m() %}${{ caller._func.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "${{ __regex.__init__ }}",
    "${{ r/a/._compiled }}",
    "${{ (1).__class__ }}",
    "${{ (1)['real'] }}",
    "${{ true.__class__ }}",
    "${{ none.__class__ }}",
    "${{ nope.__class__ }}",
    "${{ nope._undefined_hint }}",
    "${{ ({}).__class__ }}",
    "${{ ([1] | batch(1)).__class__ }}",
    "${{ config }}${{ request }}${{ environment }}${{ context }}${{ resolve }}",
    "{% set x = joiner() %}${{ x.sep }}${{ x.__call__.__self__ }}",
    "${{ cycler('a').items }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}${{ os }}",
    "{% extends '/etc/passwd' %}",
    "{% from 'os' import popen %}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_no_template_reaches_python(text):
    try:
        found = render_text(text, {"parameters": {"name": "n"}})
    except TemplatingError:
        return
    assert set(found) <= {"$", ""}, found


BLOW_UPS = [
    "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
    "{% for i in range(1000000000) %}{% endfor %}",
    "${{ range(0, 100000000000000000000000000) }}",
    "${{ 'a' * 1000000000 }}",
    "${{ [0] * 1000000000 }}",
    "${{ 9 ** 9 ** 9 ** 9 }}",
    "{% set x = 9 %}" + "{% set x = x * x %}" * 40 + "${{ x }}",
    "${{ '%1000000000d' % 1 }}",
    "${{ 'a'.repeat(1000000000) }}",
    "${{ 'a'.padEnd(1000000000) }}",
    "${{ 'a' | center(1000000000) }}",
    "${{ 'a' | indent(1000000000, true) }}${{ 'aaaa'.repeat(10000000) | replace('a', 'aaaaaaaaaa') }}",
    "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 60 + "${{ x }}",
    "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x + x %}" * 60 + "${{ x }}",
    "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x | replace('a', x) %}" * 30 + "${{ x }}",
    "{% set x = ['lol'] %}" + "{% set x = [x, x, x, x, x, x, x, x, x, x] %}" * 12 + "${{ x | dump }}",
    "{% set x = ['lol'] %}" + "{% set x = [x, x, x, x, x, x, x, x, x, x] %}" * 12 + "${{ x }} ",
    "{% set x = ['lol'] %}" + "{% set x = [x, x, x, x, x, x, x, x, x, x] %}" * 12 + "${{ x | join }}",
    "{% set x = ['lol'] %}{% set y = ['lol'] %}"
    + "{% set x = [x, x, x, x, x, x, x, x, x, x] %}{% set y = [y, y, y, y, y, y, y, y, y, y] %}" * 12
    + "${{ x == y }}${{ x in [y] }}",
    "{% macro f() %}${{ f() }}{% endmacro %}${{ f() }}",
    "{% macro f(n) %}{% if n %}${{ f(n - 1) }}${{ f(n - 1) }}{% endif %}{% endmacro %}${{ f(60) }}",
    "{% for i in range(1000) %}{% for j in range(1000) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}{% endfor %}",
    "${{ " + "(" * 400 + "1" + ")" * 400 + " }}",
    "${{ " + "[" * 150 + "]" * 150 + " }}",
    "{% if true %}" * 150 + "{% endif %}" * 150,
    "${{ [1] | batch(1000000000, 'x') }}",
    "${{ [1] | slice(1000000000) }}",
    "${{ 'a,'.repeat(1000000).split(',') | dump }}",
]  # fmt: skip


@pytest.mark.parametrize("text", BLOW_UPS, ids=range(len(BLOW_UPS)))
def test_no_template_runs_for_ever_or_eats_the_memory(text):
    began = time.monotonic()
    with pytest.raises(TemplatingError):
        render_text(text, {}, limits=Limits(turns=300_000, seconds=3.0))
    assert time.monotonic() - began < 6


@pytest.mark.parametrize(
    "text",
    [
        "${{ '" + "a" * 40 + "!' | replace(r/^(a|a?)+$/, 'b') }}",
        "${{ r/(x+x+)+y/.test('" + "x" * 60 + "') }}",
        "${{ r/^(([a-z])+.)+[A-Z]([a-z])+$/.test('" + "a" * 60 + "') }}",
    ],
)
def test_no_regular_expression_runs_for_ever(text):
    began = time.monotonic()
    with contextlib.suppress(LimitError):
        render_text(text, {}, limits=Limits(seconds=2.0))
    assert time.monotonic() - began < 4


def test_the_limits_are_for_one_rendering_and_not_for_all():
    for _ in range(5):
        assert render_text("{% for i in range(50000) %}{% endfor %}done", {}) == "done"
    with pytest.raises(LimitError, match="turns"):
        render_value(["{% for i in range(90000) %}{% endfor %}"] * 30, {})
