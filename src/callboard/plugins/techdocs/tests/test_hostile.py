"""A repository that means harm: its configuration, its pages, its files. Nothing of it gets out or in."""

from pathlib import Path

import pytest

from callboard.plugins.techdocs.clients.builder.process import BuildError, BuildLimits, builder
from callboard.plugins.techdocs.tests.workshop import article
from callboard.plugins.techdocs.types.html import read_page, sanitise
from callboard.plugins.techdocs.types.mkdocs import ConfigRefusedError, parse, site_config

SECRET = "the-secret-of-the-neighbour"


def config(text):
    return site_config(text.encode(), title="x")


# --- mkdocs.yml ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "site_name: !!python/object/apply:os.system ['touch /tmp/owned']",
        "site_name: !!python/name:os.system",
        "extra: !!python/object/new:subprocess.Popen [['id']]",
        "markdown_extensions: [{pymdownx.superfences: {custom_fences: [{name: x, class: x, format: !!python/name:os.system }]}}]",
        "a: !!python/module:os",
    ],
)
def test_python_in_a_configuration_is_refused(text):
    with pytest.raises(ConfigRefusedError, match="line 1"):
        config(text)


def test_functions_that_only_format_are_allowed():
    found = config(
        "markdown_extensions: [{pymdownx.superfences: {custom_fences: [{name: mermaid, class: mermaid, format: !!python/name:pymdownx.superfences.fence_code_format }]}}]"
    )
    fence = found.values["mdx_configs"]["pymdownx.superfences"]["custom_fences"][0]
    assert fence["format"] == {"$call": "pymdownx.superfences.fence_code_format", "kwds": {}}


def test_the_environment_is_not_read(monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", SECRET)
    found = config("site_name: !ENV DATABASE_PASSWORD\nrepo_url: !ENV [DATABASE_PASSWORD, 'https://x.example']")
    assert SECRET not in repr(found)
    assert found.values["repo_url"] == "https://x.example"


def test_hooks_themes_scripts_and_unknown_plugins_are_left_out_and_named():
    found = config(
        "hooks: [evil.py]\ntheme: {name: material, custom_dir: overrides, static_templates: [x]}\nextra_javascript: [x.js]\n"
        "extra_css: [x.css]\nextra_templates: [x.html]\nplugins: [techdocs-core, exec, {search: {prebuild_index: true}}]\n"
        "markdown_extensions: [markdown_exec]\nINHERIT: ../../base.yml\n"
    )
    said = " ".join(found.warnings)
    for word in (
        "hooks",
        "custom_dir",
        "extra_javascript",
        "extra_templates",
        "exec",
        "prebuild_index",
        "markdown_exec",
        "INHERIT",
    ):
        assert word in said
    assert found.values["plugins"] == [{"techdocs-core": {}}]
    assert set(found.values["theme"]) == {"name", "font"}


def test_programs_servers_and_downloads_are_no_options():
    found = config(
        "markdown_extensions:\n"
        "  - plantuml_markdown: {plantuml_cmd: 'sh -c id', server: 'http://169.254.169.254/', format: svg}\n"
        "  - pymdownx.snippets: {url_download: true, restrict_base_path: false, base_path: [docs]}\n"
    )
    assert found.values["mdx_configs"] == {
        "plantuml_markdown": {"format": "svg"},
        "pymdownx.snippets": {"base_path": ["docs"], "restrict_base_path": True},
    }


@pytest.mark.parametrize(
    "text",
    [
        "docs_dir: ../other/docs",
        "docs_dir: /etc",
        "docs_dir: .",
        "markdown_extensions: [{pymdownx.snippets: {base_path: ['../..']}}]",
        "markdown_extensions: [{pymdownx.snippets: {base_path: ['/']}}]",
        "nav: [{x: '!include ../other/mkdocs.yml'}]",
        "nav: [{x: '!include /etc/mkdocs.yml'}]",
        "nav: [{x: [{y: '*include ../*/mkdocs.yml'}]}]",
        "plugins: [{tags: {tags_file: ../../tags.md}}]",
    ],
)
def test_paths_that_lead_out_stop_the_build(text):
    with pytest.raises(ConfigRefusedError, match=r"leads out|configuration itself"):
        config(text)


def test_a_configuration_that_unfolds_into_millions_is_refused():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
    )
    with pytest.raises(ConfigRefusedError, match="larger or deeper"):
        parse(bomb.encode())


# --- The folder --------------------------------------------------------------------------------------------------


def test_links_and_snippets_do_not_reach_the_neighbour(workshop, ann):
    workshop.write({"neighbour/secret.md": SECRET})
    ref = workshop.entity(
        "evil",
        {
            "mkdocs.yml": "site_name: Evil\n",
            "docs/index.md": '# Hi\n\n--8<-- "../neighbour/secret.md"\n\n--8<-- "docs/link.md"\n\n[x](link.md)\n',
        },
    )
    (workshop.folder / "evil/docs/link.md").symlink_to(workshop.folder / "neighbour/secret.md")
    (workshop.folder / "evil/docs/folder").symlink_to(workshop.folder / "neighbour")
    workshop.register()
    site = workshop.build(ref)
    assert "leads out of its folder" in workshop.log
    assert site.state == "built"
    assert SECRET not in ann.html("/docs/default/component/evil")
    assert (
        SECRET.encode()
        not in ann.get("/api/techdocs/static/docs/default/component/evil/search/search_index.json").content
    )
    assert ann.get("/docs/default/component/evil/link/").status_code == 404


def test_an_included_configuration_runs_no_code_either(workshop, tmp_path):
    mark = tmp_path / "owned"
    ref = workshop.entity(
        "mono",
        {
            "mkdocs.yml": "site_name: Mono\nnav: [{Home: index.md}, {Sub: '!include sub/mkdocs.yml'}]\n",
            "docs/index.md": "# Mono",
            "sub/mkdocs.yml": f"site_name: Sub\nnav: [{{S: index.md}}]\nextra: !!python/object/apply:os.system ['touch {mark}']\n",
            "sub/docs/index.md": "# Sub",
        },
    )
    workshop.register()
    site = workshop.build(ref)
    assert site.state == "failed"
    assert "os.system" in site.error
    assert not mark.exists()


# --- The sandbox, for what a configuration could still reach ------------------------------------------------------


def _work(tmp_path, pages):
    work = tmp_path / "work"
    for name, text in pages.items():
        path = work / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return work


def _build(work, values=None, limits=None):
    lines = []
    values = values or site_config(b"site_name: x", title="x").values
    report = builder.build(work, values, limits or BuildLimits(), lambda level, text: lines.append(f"{level}: {text}"))
    return report, "\n".join(lines)


def test_even_a_builder_that_is_told_to_cannot_read_elsewhere(tmp_path):
    (tmp_path / "secret.md").write_text(SECRET)
    work = _work(tmp_path, {"docs/index.md": f'--8<-- "{tmp_path}/secret.md"\n'})
    values = site_config(b"site_name: x", title="x").values
    # What the check of the configuration would never let through.
    values["markdown_extensions"] = ["pymdownx.snippets"]
    values["mdx_configs"] = {"pymdownx.snippets": {"base_path": ["/"], "restrict_base_path": False}}
    with pytest.raises(BuildError, match=r"(?i)permission"):
        _build(work, values)
    assert not any(SECRET in path.read_text(errors="ignore") for path in (work / "site").rglob("*.html"))


def test_even_a_builder_that_is_told_to_has_no_network(tmp_path, unused_server):
    work = _work(tmp_path, {"docs/index.md": f'--8<-- "{unused_server.url}/x"\n'})
    values = site_config(b"site_name: x", title="x").values
    values["markdown_extensions"] = ["pymdownx.snippets"]
    values["mdx_configs"] = {"pymdownx.snippets": {"url_download": True}}
    with pytest.raises(BuildError):
        _build(work, values)
    assert unused_server.requests == []


@pytest.fixture
def unused_server():
    """A server that notes who asks."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"# from the network")

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_build_that_never_ends_is_stopped(tmp_path):
    # A pattern of a fence that the Markdown parser needs ages for.
    work = _work(tmp_path, {"docs/index.md": "# x\n" + "\n".join("a | b " * 40 for _ in range(40_000))})
    with pytest.raises(BuildError, match=r"longer than 1 seconds|processor time"):
        _build(work, limits=BuildLimits(seconds=1))


def test_a_build_that_takes_all_memory_is_stopped(tmp_path):
    work = _work(tmp_path, {"docs/index.md": "# x\n" + "word " * 400_000})
    with pytest.raises(BuildError, match=r"memory|Memory|signal"):
        _build(work, limits=BuildLimits(memory=70 * 1_048_576, seconds=60))


def test_a_build_that_writes_too_much_is_stopped(tmp_path):
    work = _work(tmp_path, {"docs/index.md": "# x", "docs/large.bin": "x" * 6_000_000})
    with pytest.raises(BuildError, match=r"larger file|too large|File too large"):
        _build(work, limits=BuildLimits(file_bytes=5_000_000))


def test_the_builder_knows_nothing_of_the_portals_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("CALLBOARD_SECRET_KEY", SECRET)
    builder.close()
    _build(_work(tmp_path, {"docs/index.md": "# x"}))
    environment = Path(f"/proc/{builder._process.pid}/environ").read_text()
    assert SECRET not in environment
    assert "DATABASE" not in environment


def test_a_build_says_what_locks_it_in(tmp_path):
    report, _ = _build(_work(tmp_path, {"docs/index.md": "# x"}))
    assert report["locks"]["files"] in ("landlock", "python")
    assert report["locks"]["network"] in ("namespace", "landlock (TCP)", "python")


# --- Pages -----------------------------------------------------------------------------------------------------------

HARMFUL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<iframe src="https://evil.example"></iframe>',
    '<form action="/sign-out" method="post"><button>Sign out</button></form>',
    "<style>body{display:none}</style>",
    '<p style="position:fixed;inset:0">x</p>',
    '<div hx-get="/admin" hx-trigger="load" data-hx-post="/admin">x</div>',
    '<object data="x"></object><embed src="x">',
    '<base href="https://evil.example/">',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "<svg><script>alert(1)</script><foreignObject><iframe></iframe></foreignObject></svg>",
    "<math><mtext><script>alert(1)</script></mtext></math>",
    '<input type="password" name="password">',
    '<button data-confirm="x" formaction="/x">x</button>',
    "<template><script>1</script></template>",
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a><animate onbegin=alert(1)></svg>',
]
FORBIDDEN = (
    "<script",
    "onerror",
    "javascript:",
    "data:text",
    "<iframe",
    "<form",
    "<style",
    "style=",
    "hx-",
    "<object",
    "<embed",
    "<base",
    "<meta",
    "<math",
    'type="password"',
    "<button",
    "<template",
    "foreignobject",
    "xlink",
    "onbegin",
    "data-confirm",
)


@pytest.mark.parametrize("harm", HARMFUL)
def test_nothing_that_acts_passes(harm):
    page = read_page(
        f'<article class="md-content__inner md-typeset"><h1>T</h1>{harm}</article>', "index.html", lambda *a: a[1]
    )
    for html in (page.html.lower(), sanitise(harm).lower()):
        for word in FORBIDDEN:
            assert word not in html, html


def test_ids_and_classes_of_the_portal_are_not_taken():
    page = read_page(
        '<article class="md-content__inner"><h1>T</h1><div id="confirm" class="modal show position-fixed btn-primary cb-toast td-light">x</div>'
        '<div id="page" class="row"></div><p id="cb-words">y</p><a href="#confirm">z</a><b id="fine">f</b></article>',
        "index.html",
        lambda *a: a[1],
    )
    assert 'id="confirm"' not in page.html
    assert 'id="page"' not in page.html
    assert 'id="cb-words"' not in page.html
    assert 'href="#doc-confirm"' in page.html
    assert 'id="fine"' in page.html
    for word in ("modal", "position-fixed", "btn-primary", "cb-toast", "td-light", "row"):
        assert f'"{word}' not in page.html
        assert f" {word}" not in page.html


def test_every_id_of_the_shell_is_out_of_reach():
    import re

    import callboard
    from callboard.plugins.techdocs.types.html import _own_id

    ids = set()
    root = Path(callboard.__file__).parent
    for file in [*root.glob("core/ui/templates/**/*.html"), *root.glob("plugins/techdocs/templates/**/*.html")]:
        ids |= set(re.findall(r'\bid="([a-z][a-z-]*)"', file.read_text()))
    assert {"page", "main", "toasts", "confirm"} <= ids
    assert [found for found in sorted(ids) if _own_id(found) == found] == []


def test_a_hostile_page_is_shown_without_its_teeth(workshop, ann):
    ref = workshop.entity(
        "evil", {"mkdocs.yml": "site_name: Evil\n", "docs/index.md": "# Evil\n\n" + "\n\n".join(HARMFUL)}
    )
    workshop.register()
    assert workshop.build(ref).state == "built"
    text = article(ann.html("/docs/default/component/evil")).lower()
    for word in FORBIDDEN:
        assert word not in text


def test_files_of_a_site_cannot_run_in_the_portals_name(workshop, ann):
    ref = workshop.entity(
        "evil",
        {
            "mkdocs.yml": "site_name: Evil\n",
            "docs/index.md": "# Evil",
            "docs/page.html": "<script>alert(1)</script>",
            "docs/picture.svg": '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
            "docs/code.js": "alert(1)",
        },
    )
    workshop.register()
    workshop.build(ref)
    base = "/api/techdocs/static/docs/default/component/evil"
    for name, kind in (("page.html", "text/plain"), ("picture.svg", "image/svg+xml"), ("code.js", "text/javascript")):
        answer = ann.get(f"{base}/{name}")
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith(kind)
        assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_paths_do_not_climb_out_of_a_site(workshop, ann):
    ref = workshop.entity("guide", {"mkdocs.yml": "site_name: G\n", "docs/index.md": "# G"})
    workshop.register()
    workshop.build(ref)
    for path in ("../../../../secrets/key", "%2e%2e/%2e%2e/x", "..%2f..%2fetc/passwd", "/etc/passwd"):
        assert ann.get(f"/api/techdocs/static/docs/default/component/guide/{path}").status_code in (302, 404)
        assert ann.get(f"/docs/default/component/guide/{path}").status_code in (302, 404)


LOCKED = """
import pathlib, sys
from callboard.plugins.techdocs.clients.builder import sandbox
work = pathlib.Path(sys.argv[1])
import socket, subprocess
sandbox.refuse_in_python(work, sandbox.readable_places())
(work / "mine").write_text("fine")
print((work / "mine").read_text())
for name, attempt in {
    "read": lambda: open(sys.argv[2]).read(),
    "write": lambda: open(sys.argv[2], "w"),
    "connect": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    "resolve": lambda: socket.getaddrinfo("localhost", 80),
    "program": lambda: subprocess.run(["/usr/bin/id"]),
    "system": lambda: __import__("os").system("id"),
}.items():
    try:
        attempt()
        print(name, "allowed")
    except PermissionError:
        print(name, "refused")
"""


def test_without_the_kernels_help_python_refuses_the_same(tmp_path):
    import subprocess
    import sys

    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "secret").write_text(SECRET)
    command = [sys.executable, "-I", "-c", LOCKED, str(work), str(tmp_path / "secret")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    expected = ["fine", *(f"{name} refused" for name in ("read", "write", "connect", "resolve", "program", "system"))]
    assert done.stdout.split("\n")[:-1] == expected
