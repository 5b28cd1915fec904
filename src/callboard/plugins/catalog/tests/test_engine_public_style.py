"""A repository of catalog files in the style that public ones have, read from Git over http.

The expected entities and relations are written out by hand from the rules of the format.
"""

import pytest

from callboard.plugins.catalog.models import Problem
from callboard.plugins.catalog.tests.engine import entity, loopback, refs, register, relations
from callboard.plugins.catalog.tests.servers import repository, running_git_site

pytestmark = pytest.mark.django_db

FILES = {
    "all.yaml": """\
apiVersion: backstage.io/v1alpha1
kind: Location
metadata:
  name: music-all
  description: Everything about the music shop
spec:
  type: url
  targets:
    - ./apis/all-apis.yaml
    - ./components/*-component.yaml
    - ./domains/music-domain.yaml
    - ./org.yaml
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata:
  name: music-more
spec:
  targets: [./systems/all.yml]
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: music-maybe}
spec: {target: ./nothing-here.yaml, presence: optional}
""",
    "apis/all-apis.yaml": """\
# A folder of definitions
apiVersion: backstage.io/v1alpha1
kind: Location
metadata:
  name: music-apis
spec:
  targets:
    - ./songs-api.yaml
    - ./events/plays-api.yaml
""",
    "apis/songs-api.yaml": """\
apiVersion: backstage.io/v1alpha1
kind: API
metadata:
  name: songs
  title: Songs
  tags: [rest, "c++", java:17]
  links:
    - {url: "https://songs.example.com/docs", title: Docs, icon: docs}
spec:
  type: openapi
  lifecycle: production
  owner: team-songs
  system: music
  definition:
    $text: ./songs.openapi.yaml
""",
    "apis/songs.openapi.yaml": "openapi: 3.0.3\ninfo: {title: Songs, version: '1'}\npaths: {}\n",
    "apis/events/plays-api.yaml": """\
apiVersion: backstage.io/v1beta1
kind: API
metadata: {name: plays, namespace: events}
spec:
  type: asyncapi
  lifecycle: experimental
  owner: user:default/fran
  definition: {$text: ../../schemas/plays.yaml}
""",
    "schemas/plays.yaml": "asyncapi: 2.6.0\n",
    "components/player-component.yaml": """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Player
  annotations:
    github.com/project-slug: music/player
    backstage.io/techdocs-ref: dir:.
  labels: {example.com/tier: gold}
spec:
  type: website
  lifecycle: production
  owner: group:team-songs
  system: music
  consumesApis: [songs, events/plays]
  dependsOn: ["resource:song-store", "Component:library"]

---
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: player-ads}
spec: {type: library, lifecycle: deprecated, owner: guests, subcomponentOf: player}
""",
    "components/library-component.yaml": """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: library}
spec: {type: service, lifecycle: production, owner: fran@example, providesApis: [songs], dependencyOf: [component:player-ads]}
""",
    "components/readme.yaml": "this: is no entity and no pattern names it\n",
    "domains/music-domain.yaml": """\
apiVersion: backstage.io/v1alpha1
kind: Domain
metadata: {name: leisure}
spec: {owner: team-songs, subdomainOf: everything}
""",
    "systems/all.yml": """\
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: music}
spec: {owner: team-songs, domain: leisure}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: song-store}
spec: {type: database, owner: team-songs, system: music}
---
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: new-song}
spec:
  type: service
  owner: team-songs
  parameters: [{title: Name, properties: {name: {type: string}}}]
  steps: [{id: log, action: "debug:log", input: {message: "${{ parameters.name }}"}}]
""",
    "org.yaml": """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: acme}
spec:
  type: organization
  profile: {displayName: ACME}
  children: [team-songs]
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-songs}
spec: {type: team, parent: acme, children: [], members: [lou]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: fran}
spec:
  profile: {displayName: Fran, email: fran@example.com}
  memberOf: [team-songs]
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: lou}
spec: {memberOf: []}
""",
}


def test_a_repository_of_well_known_style_gives_what_the_rules_say(tmp_path):
    repository(tmp_path / "music.git", dict(FILES))
    with running_git_site(tmp_path) as site, loopback():
        register(f"{site.url}/music.git//all.yaml", "git")
    said = list(Problem.objects.values_list("code", "message"))
    assert refs() == {
        "location:default/music-all",
        "location:default/music-more",
        "location:default/music-maybe",
        "location:default/music-apis",
        "api:default/songs",
        "api:events/plays",
        "component:default/player",
        "component:default/player-ads",
        "component:default/library",
        "domain:default/leisure",
        "system:default/music",
        "resource:default/song-store",
        "template:default/new-song",
        "group:default/acme",
        "group:default/team-songs",
        "user:default/fran",
        "user:default/lou",
    }, said
    assert said == []
    assert entity("api:default/songs")["spec"]["definition"] == FILES["apis/songs.openapi.yaml"]
    assert entity("api:events/plays")["spec"]["definition"] == "asyncapi: 2.6.0\n"
    assert entity("component:default/player")["metadata"]["name"] == "Player"
    owned = ("ownedBy", "group:default/team-songs")
    assert relations("api:default/songs") == {
        owned,
        ("partOf", "system:default/music"),
        ("apiProvidedBy", "component:default/library"),
        ("apiConsumedBy", "component:default/player"),
    }
    assert relations("api:events/plays") == {
        ("ownedBy", "user:default/fran"),
        ("apiConsumedBy", "component:default/player"),
    }
    assert relations("component:default/player") == {
        owned,
        ("partOf", "system:default/music"),
        ("hasPart", "component:default/player-ads"),
        ("consumesApi", "api:default/songs"),
        ("consumesApi", "api:events/plays"),
        ("dependsOn", "resource:default/song-store"),
        ("dependsOn", "component:default/library"),
    }
    assert relations("component:default/player-ads") == {
        ("ownedBy", "group:default/guests"),
        ("partOf", "component:default/player"),
        ("dependsOn", "component:default/library"),
    }
    assert relations("component:default/library") == {
        ("ownedBy", "group:default/fran@example"),
        ("providesApi", "api:default/songs"),
        ("dependencyOf", "component:default/player"),
        ("dependencyOf", "component:default/player-ads"),
    }
    assert relations("domain:default/leisure") == {
        owned,
        ("partOf", "domain:default/everything"),
        ("hasPart", "system:default/music"),
    }
    assert relations("system:default/music") == {
        owned,
        ("partOf", "domain:default/leisure"),
        ("hasPart", "api:default/songs"),
        ("hasPart", "component:default/player"),
        ("hasPart", "resource:default/song-store"),
    }
    assert relations("template:default/new-song") == {owned}
    assert relations("group:default/acme") == {("parentOf", "group:default/team-songs")}
    assert relations("user:default/fran") == {
        ("memberOf", "group:default/team-songs"),
        ("ownerOf", "api:events/plays"),
    }
    assert relations("user:default/lou") == {("memberOf", "group:default/team-songs")}
    assert ("childOf", "group:default/acme") in relations("group:default/team-songs")
    assert {r for r in relations("group:default/team-songs") if r[0] == "hasMember"} == {
        ("hasMember", "user:default/fran"),
        ("hasMember", "user:default/lou"),
    }
