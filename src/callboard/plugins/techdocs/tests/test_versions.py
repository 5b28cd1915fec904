"""Documentation from Git: unchanged commits cost nothing, and branches and tags can be read beside the usual one."""

import subprocess

import pytest

from callboard.plugins.techdocs.models import Site

ENTITY = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: from-git
  annotations: {backstage.io/techdocs-ref: 'dir:.'}
spec: {type: service, lifecycle: production, owner: writers}
"""
PLACE = "/docs/default/component/from-git"


def git(folder, *arguments):
    subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=T", "-c", "user.email=t@t.example", *arguments],
        check=True,
        capture_output=True,
    )


def commit(workshop, text):
    workshop.write({"repo/mkdocs.yml": "site_name: From Git\n", "repo/docs/index.md": f"# Hello\n\n{text}\n"})
    git(workshop.folder / "repo", "add", "-A")
    git(workshop.folder / "repo", "commit", "-qm", text)


@pytest.fixture
def repository(workshop):
    workshop.write({"repo/catalog-info.yaml": ENTITY})
    git(workshop.folder / "repo", "init", "-q", "-b", "main")
    commit(workshop, "The first words.")
    git(workshop.folder / "repo", "tag", "v1.0")
    git(workshop.folder / "repo", "branch", "next/big")
    commit(workshop, "The second words.")
    workshop.write({"other/catalog-info.yaml": ENTITY.replace("from-git", "other")})
    workshop.register(f"file://{workshop.folder}/repo//catalog-info.yaml", "git")
    return workshop


def test_documentation_is_built_from_a_repository(repository, ann):
    site = repository.build("component:default/from-git")
    assert (site.state, site.error) == ("built", "")
    assert len(site.commit) == 40
    assert "The second words." in ann.text(PLACE)
    repository.build("component:default/from-git")
    assert repository.log == "info: The source has not changed."


def test_a_commit_that_leaves_the_documentation_alone_builds_nothing(repository):
    before = repository.build("component:default/from-git")
    repository.write({"repo/code.py": "x = 1\n"})
    git(repository.folder / "repo", "add", "-A")
    git(repository.folder / "repo", "commit", "-qm", "code")
    after = repository.build("component:default/from-git")
    assert after.stamp == before.stamp
    assert after.etag != before.etag


def test_a_tag_is_read_beside_the_usual_version(repository, ann):
    repository.build("component:default/from-git")
    picker = ann.text("/docs/-/versions?ref=component:default/from-git&path=")
    for name in ("Latest", "main", "next/big", "v1.0"):
        assert name in picker
    assert "is being built" in ann.text(f"{PLACE}?version=v1.0")
    repository.build("component:default/from-git", "v1.0")
    repository.build("component:default/from-git", "next/big")
    assert "The first words." in ann.text(f"{PLACE}?version=v1.0")
    assert "The first words." in ann.text(f"{PLACE}?version=next/big")
    assert "The second words." in ann.text(PLACE)
    assert set(Site.objects.values_list("version", flat=True)) == {"", "v1.0", "next/big"}


def test_a_version_that_does_not_exist_is_never_built(repository, ann):
    answer = ann.get(f"{PLACE}?version=no-such")
    assert answer.status_code == 404
    assert "has no branch or tag no-such" in answer.content.decode()
    assert not Site.objects.filter(version="no-such").exists()
