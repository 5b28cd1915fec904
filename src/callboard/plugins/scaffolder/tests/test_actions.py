"""Local actions: what they do with files, and what they refuse to."""

import io
import subprocess
import tarfile
import zipfile

import pytest
import yaml

from callboard.plugins.scaffolder.clients.workspace import Workspace
from callboard.plugins.scaffolder.selectors.actions import all_actions, find_action
from callboard.plugins.scaffolder.services.context import ActionContext, tree_of_contents
from callboard.plugins.scaffolder.services.running import perform
from callboard.plugins.scaffolder.services.running_actions import run_action
from callboard.plugins.scaffolder.tests import stage
from callboard.plugins.scaffolder.tests.stage import ANN, log, publish, run, template
from callboard.plugins.scaffolder.types.schema import check
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.sdk.auth import act_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def context(tmp_path):
    return ActionContext(workspace=Workspace(tmp_path / "w", max_bytes=5_000_000).make())


def do(context, action, **given):
    with act_as(ANN, "job"):
        return perform(find_action(action), given, context)


def contents(context):
    return {name: context.workspace.read(name).decode() for name in context.workspace.files()}


def beside(context, files):
    import base64

    rows = [
        {"path": p, "base64Content": base64.b64encode(c if isinstance(c, bytes) else c.encode()).decode()}
        for p, c in files.items()
    ]
    context.base = lambda target: tree_of_contents(rows, target)


def test_names_and_contents_are_filled_in_and_binaries_copied(context):
    binary = b"\x89PNG\0${{ values.name }}"
    beside(context, {
        "s/${{ values.name }}/main.py": "print('${{ values.name }}')\n", "s/logo.png": binary, "s/plain.txt": "{{ kept }}",
        "s/{% if values.db %}db{% endif %}/schema.sql": "x", "s/{% if values.db %}only.sql{% endif %}": "x",
        "s/latin.txt": "caf\xe9 ${{ values.name }}".encode("latin-1"),
    })  # fmt: skip
    do(context, "fetch:template", url="./s", targetPath="out", values={"name": "shop", "db": False})
    assert sorted(context.workspace.files()) == ["out/latin.txt", "out/logo.png", "out/plain.txt", "out/shop/main.py"]
    assert context.workspace.read("out/logo.png") == binary
    assert context.workspace.read("out/shop/main.py") == b"print('shop')\n"
    assert context.workspace.read("out/latin.txt") == b"caf\xe9 ${{ values.name }}"


def test_files_may_be_kept_from_templating(context):
    files = {
        "s/a/${{ values.n }}.txt": "${{ values.n }}",
        "s/b/${{ values.n }}.txt": "${{ values.n }}",
        "s/c.md": "${{ values.n }}",
    }
    beside(context, files)
    do(context, "fetch:template", url="./s", values={"n": 1}, copyWithoutTemplating=["a", "*.md"])
    assert contents(context) == {"a/1.txt": "${{ values.n }}", "b/1.txt": "1", "c.md": "${{ values.n }}"}
    do(context, "fetch:template", url="./s", targetPath="raw", values={"n": 1}, copyWithoutRender=["a/**"])
    assert context.workspace.exists("raw/a/${{ values.n }}.txt")
    with pytest.raises(ActionError, match="cannot be used together"):
        do(context, "fetch:template", url="./s", copyWithoutRender=["a"], copyWithoutTemplating=["b"])


def test_only_files_with_the_extension_are_filled_in_when_one_is_named(context):
    beside(context, {"s/a.txt.njk": "${{ values.n }}", "s/b.txt": "${{ values.n }}"})
    do(context, "fetch:template", url="./s", values={"n": 1}, templateFileExtension=True)
    assert contents(context) == {"a.txt": "1", "b.txt": "${{ values.n }}"}


def test_what_is_there_stays_unless_it_may_be_replaced(context):
    context.workspace.write("a.txt", b"old")
    beside(context, {"s/a.txt": "new", "one.txt": "${{ values.v }}"})
    do(context, "fetch:template", url="./s")
    assert contents(context) == {"a.txt": "old"}
    do(context, "fetch:template", url="./s", replace=True)
    assert contents(context) == {"a.txt": "new"}
    do(context, "fetch:template:file", url="./one.txt", targetPath="deep/er.txt", values={"v": 3})
    assert contents(context)["deep/er.txt"] == "3"
    do(context, "fetch:plain:file", url="./one.txt", targetPath="deep/er.txt")
    assert contents(context)["deep/er.txt"] == "${{ values.v }}"


def test_templates_in_the_style_of_cookiecutter(context):
    beside(
        context, {"s/{{ cookiecutter.name }}.json": "{{ cookiecutter | jsonify }}{% if cookiecutter.x %}x{% endif %}"}
    )
    do(context, "fetch:template", url="./s", values={"name": "shop"}, cookiecutterCompat=True)
    assert contents(context) == {"shop.json": '{"name":"shop"}'}


def test_a_template_for_cookiecutter_without_cookiecutter(context):
    beside(context, {
        "c/cookiecutter.json": '{"name": "My App", "slug": "{{ cookiecutter.name.lower().replace(\' \', \'-\') }}", "licence": ["MIT", "BSD"], "_copy_without_render": ["*.html"]}',
        "c/{{cookiecutter.slug}}/README.md": "# {{ cookiecutter.name }} ({{ cookiecutter.licence }})",
        "c/{{cookiecutter.slug}}/page.html": "{{ kept }}", "c/hooks/post_gen_project.py": "import os; os.system('touch /tmp/pwned')",
    })  # fmt: skip
    do(context, "fetch:cookiecutter", url="./c", values={"name": "Big Shop", "licence": "BSD"})
    assert contents(context) == {"README.md": "# Big Shop (BSD)", "page.html": "{{ kept }}"}
    assert any("hooks" in line["message"] for line in context.lines)
    with pytest.raises(ActionError, match="licence must be one of MIT, BSD"):
        do(context, "fetch:cookiecutter", url="./c", values={"licence": "GPL"})
    with pytest.raises(ActionError, match="Extensions"):
        do(context, "fetch:cookiecutter", url="./c", extensions=["os.system"])


def test_a_template_for_copier_and_one_that_wants_to_run_code(context):
    copier = {
        "c/copier.yml": "name:\n  type: str\n",
        "c/README.md.jinja": "# {{ name }}\n",
        "c/{{ name }}.txt": "plain",
    }
    beside(context, copier)
    do(context, "fetch:copier", url="./c", targetPath="out", values={"name": "shop"})
    assert contents(context) == {"out/README.md": "# shop\n", "out/shop.txt": "plain"}
    beside(context, {**copier, "c/copier.yml": "name:\n  type: str\n_tasks:\n  - touch /tmp/pwned\n"})
    with pytest.raises(ActionError, match="wants to run code"):
        do(context, "fetch:copier", url="./c", values={"name": "shop"})
    beside(context, {**copier, "c/copier.yml": "x: !include ../../../secret.yml\n"})
    with pytest.raises(ActionError, match="reads files from elsewhere"):
        do(context, "fetch:copier", url="./c")


@pytest.mark.parametrize(
    "path", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "~/out.txt", "C:\\out.txt", "a\\..\\..\\out", "x\0y"]
)
def test_no_path_leads_out_of_the_workspace(context, path):
    beside(context, {"s/f.txt": "x"})
    for action, given in (
        ("roadiehq:utils:fs:write", {"path": path, "content": "x"}),
        ("fetch:plain", {"url": "./s", "targetPath": path}),
        ("fetch:template", {"url": "./s", "targetPath": path}),
        ("fetch:template:file", {"url": "./s/f.txt", "targetPath": path}),
        ("fs:delete", {"files": [path]}),
        ("fs:readdir", {"paths": [path]}),
        ("fs:rename", {"files": [{"from": "s", "to": path}]}),
        ("catalog:write", {"entity": {}, "filePath": path}),
        ("roadiehq:utils:zip", {"path": path, "outputPath": "z.zip"}),
    ):
        with pytest.raises(ActionError):
            do(context, action, **given)
    assert list(context.workspace.root.parent.iterdir()) == [context.workspace.root]


def test_no_rendered_name_leads_out_of_the_workspace(context):
    beside(context, {"s/${{ values.n }}.txt": "x"})
    with pytest.raises(ActionError, match="leads out"):
        do(context, "fetch:template", url="./s", values={"n": "../../evil"})
    with pytest.raises(ActionError, match="leads out of the template"):
        do(context, "fetch:plain", url="../../../etc")


def test_links_stay_inside(context, tmp_path):
    (tmp_path / "secret").write_text("s")
    workspace = context.workspace
    workspace.write("real/a.txt", b"a")
    workspace.link("good", "real/a.txt")
    assert workspace.read("good") == b"a"
    for target in ("/etc/passwd", "../secret", "real/../../secret"):
        with pytest.raises(ActionError, match="leads out"):
            workspace.link("bad", target)
    # As a tool would leave it behind.
    (workspace.root / "evil").symlink_to(tmp_path)
    (workspace.root / "evil2").symlink_to(tmp_path / "secret")
    for act in (
        lambda: workspace.write("evil/x.txt", b"x"),
        lambda: workspace.read("evil/secret"),
        lambda: workspace.read("evil2"),
        lambda: workspace.write("evil2", b"x"),
        lambda: list(workspace.files("evil")),
        lambda: do(context, "fs:rename", files=[{"from": "real", "to": "evil/real"}]),
    ):
        with pytest.raises(ActionError):
            act()
    assert "evil/secret" not in list(workspace.files())
    packed = workspace.pack()
    again = Workspace(tmp_path / "again")
    with pytest.raises(tarfile.FilterError):
        again.unpack(packed)
    workspace.remove_path("evil")
    workspace.remove_path("evil2")
    assert (tmp_path / "secret").read_text() == "s"
    again.unpack(workspace.pack())
    assert again.read("good") == b"a"


def archive_of(kind, members):
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in members:
                if isinstance(content, tarfile.TarInfo):
                    archive.addfile(content)
                    continue
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives_have_no_tricks(context, kind):
    context.workspace.write("good", archive_of(kind, [("a/b.txt", b"x")]))
    assert do(context, "archive:unpack", path="good", targetPath="out") == {"count": 1}
    assert context.workspace.read("out/a/b.txt") == b"x"
    for name in ("../evil.txt", "/etc/evil.txt", "a/../../evil.txt"):
        context.workspace.write("bad", archive_of(kind, [(name, b"x")]))
        with pytest.raises(ActionError, match="leads out"):
            do(context, "archive:unpack", path="bad", targetPath="")
    context.workspace.write("bomb", archive_of(kind, [("zeros", b"\0" * 6_000_000)]))
    with pytest.raises(ActionError, match="more than"):
        do(context, "archive:unpack", path="bomb")
    if kind == "tar":
        link = tarfile.TarInfo("l")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        context.workspace.write("links", archive_of(kind, [("l", link), ("l/passwd", b"x")]))
        do(context, "archive:unpack", path="links", targetPath="linked")
        assert not context.workspace.path("linked/l").is_symlink()
    context.workspace.write("text", b"no archive")
    with pytest.raises(ActionError, match="no archive"):
        do(context, "archive:unpack", path="text")


def test_files_are_deleted_renamed_and_listed(context):
    for name in ("a.txt", "b.md", "d/e.txt", "d/f/g.txt"):
        context.workspace.write(name, b"x")
    assert do(context, "fs:readdir", paths=["."]) == {
        "files": [{"name": n, "path": n, "fullPath": n} for n in ("a.txt", "b.md")],
        "folders": [{"name": "d", "path": "d", "fullPath": "d"}],
    }
    assert len(do(context, "fs:readdir", paths=["."], recursive=True)["files"]) == 4
    do(context, "fs:rename", files=[{"from": "d/f", "to": "moved/here"}])
    with pytest.raises(ActionError, match=r"b\.md exists already"):
        do(context, "fs:rename", files=[{"from": "a.txt", "to": "b.md"}])
    do(context, "fs:rename", files=[{"from": "a.txt", "to": "b.md", "overwrite": True}])
    do(context, "fs:delete", files=["**/*.txt", "none"])
    assert list(context.workspace.files()) == ["b.md"]


def test_json_and_yaml_are_merged_and_comments_stay(context):
    context.workspace.write("p.json", b'{"a": {"b": 1}, "l": [1]}')
    do(context, "roadiehq:utils:json:merge", path="p.json", content={"a": {"c": 2}, "l": [2]}, mergeArrays=True)
    assert yaml.safe_load(contents(context)["p.json"]) == {"a": {"b": 1, "c": 2}, "l": [1, 2]}
    context.workspace.write("v.yaml", b"# why\na:\n  b: 1  # one\n")
    do(context, "roadiehq:utils:merge", path="v.yaml", content="a: {c: 2}")
    assert contents(context)["v.yaml"] == "# why\na:\n  b: 1  # one\n  c: 2\n"
    context.workspace.write("p.json", b"{broken")
    with pytest.raises(ActionError, match=r"p\.json is no JSON"):
        do(context, "roadiehq:utils:json:merge", path="p.json", content={})
    found = do(
        context,
        "regex:replace",
        regExps=[
            {"pattern": "(a)(b)", "replacement": "$2$1", "flags": ["g"], "values": [{"key": "k", "value": "abab"}]}
        ],
    )
    assert found == {"values": [{"key": "k", "value": "baba"}]}


def test_a_workspace_has_a_size(tmp_path):
    small = Workspace(tmp_path / "s", max_files=3, max_bytes=100).make()
    with pytest.raises(ActionError, match="bytes"):
        small.write("a", b"x" * 101)
    crowded = Workspace(tmp_path / "c", max_files=3).make()
    for n in range(3):
        crowded.write(str(n), b"")
    with pytest.raises(ActionError, match="files"):
        crowded.write("3", b"")


def test_requests_go_to_allowed_hosts_only(context):
    with pytest.raises(ActionError, match=r"may not send requests to 127\.0\.0\.1"):
        do(context, "http:request", url="http://127.0.0.1:9/")
    with stage.settings(http_allow=["127.0.0.1", "*.internal"]):
        with pytest.raises(ActionError, match="not encrypted"):
            do(context, "http:request", url="http://127.0.0.1:9/")
        with pytest.raises(ActionError, match="not a public address"):
            do(context, "http:request", url="https://127.0.0.1:9/")
        for url in ("ftp://127.0.0.1/", "https://user:pw@127.0.0.1/", "https://evil.example/", "nonsense"):
            with pytest.raises(ActionError):
                do(context, "http:request", url=url)


def test_a_notification_that_nobody_gets_is_no_success(context):
    with pytest.raises(ActionError, match="no plugin for notifications"):
        do(context, "notification:send", recipients="broadcast", title="Hi")
    assert do(context, "notification:send", recipients="broadcast", title="Hi", optional=True) == {}


def test_a_workspace_is_pushed_to_a_real_repository_and_registered(tmp_path):
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    entity = {
        "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "${{ values.name }}"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "group:default/apples"},
    }  # fmt: skip
    files = {"skeleton/README.md": "# ${{ values.name }}\n", "skeleton/catalog-info.yaml": yaml.safe_dump(entity)}
    steps = [
        {
            "id": "fetch",
            "action": "fetch:template",
            "input": {"url": "./skeleton", "values": {"name": "${{ parameters.name }}"}},
        },
        {"id": "publish", "action": "publish:git", "input": {"remoteUrl": f"file://{remote}"}},
        {
            "id": "register",
            "action": "catalog:register",
            "input": {"repoContentsUrl": "${{ steps.publish.output.repoContentsUrl }}"},
        },
    ]
    ref = publish(tmp_path, template(steps=steps, output={"ref": "${{ steps.register.output.entityRef }}"}), files)
    with stage.reading(roots=[str(tmp_path)]):
        task = run(ref, {"name": "shop"})
        assert task.status == "completed", log(task)
        assert task.output == {"ref": "component:default/shop"}
        shown = subprocess.run(
            ["git", "--git-dir", str(remote), "show", "main:README.md"], capture_output=True, text=True, check=True
        )
        assert shown.stdout == "# shop\n"
        again = run(ref, {"name": "other"})
        assert "has a branch main already, with other commits" in again.error
    from callboard.plugins.scaffolder.models import Origin, Receipt

    origin = Origin.objects.get(entity_ref="component:default/shop")
    assert (origin.template_ref, origin.answers) == (ref, {"name": "shop"})
    assert [r.kind for r in Receipt.objects.filter(task=task)] == ["repository", "location"]
    assert not Receipt.objects.filter(task=again).exists()


def test_every_action_has_examples_that_fit_its_schema():
    for action in all_actions():
        if action.id.startswith("dummy:"):
            continue
        assert action.examples, action.id
        for example in action.examples:
            given = yaml.safe_load(yaml.safe_dump(dict(example.input)))
            wrong = [m for m in check(dict(action.input_schema), given) if "${{" not in str(m.value)]
            assert wrong == [], action.id


def test_an_action_runs_by_itself():
    with act_as(ANN, "cli"):
        found = run_action("roadiehq:utils:fs:write", {"path": "a.txt", "content": "x"})
    assert found.files == {"a.txt": b"x"}
