"""Documentation folders of the shapes that other people's repositories have. All of it is our own writing."""

from __future__ import annotations

PIXEL = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="120" viewBox="0 0 320 120">'
    '<rect width="320" height="120" fill="#2a6cb5"/><circle cx="160" cy="60" r="40" fill="#fff"/></svg>'
)

CORPUS: dict[str, dict[str, str | bytes]] = {
    "nested-navigation": {
        "mkdocs.yml": """\
            site_name: Harbour handbook
            nav:
              - Home: index.md
              - Running:
                  - running/index.md
                  - Day:
                      - Morning: running/day/morning.md
                      - Evening: running/day/evening.md
                  - Tides: running/tides.md
              - Elsewhere: https://harbour.example/map
            theme: {name: material, features: [navigation.tabs, navigation.prune, navigation.indexes]}
            """,
        "docs/index.md": "# Harbour\n\nBegin at [the morning](running/day/morning.md).\n",
        "docs/running/index.md": "# Running the harbour\n\nAll of it.\n",
        "docs/running/day/morning.md": "# Morning\n\nSee the [tides](../tides.md#low-water).\n",
        "docs/running/day/evening.md": "# Evening\n\nLamps.\n",
        "docs/running/tides.md": "# Tides\n\n## Low water\n\nSand.\n\n## High water\n\nNone.\n",
    },
    "monorepo": {
        "mkdocs.yml": """\
            site_name: Fleet
            nav:
              - Home: index.md
              - Engines: '!include engines/mkdocs.yml'
              - Decks: '*include decks/*/mkdocs.yml'
            plugins: [techdocs-core, monorepo]
            """,
        "docs/index.md": "# Fleet\n\nAll ships.\n",
        "engines/mkdocs.yml": "site_name: engines\nnav: [{Overview: index.md}, {Oil: oil.md}]\n",
        "engines/docs/index.md": "# Engines\n\nThey turn.\n",
        "engines/docs/oil.md": "# Oil\n\nTwice a day.\n",
        "decks/upper/mkdocs.yml": "site_name: upper-deck\nnav: [{Upper: index.md}]\n",
        "decks/upper/docs/index.md": "# Upper deck\n\nWind.\n",
    },
    "admonitions-and-tabs": {
        "mkdocs.yml": "site_name: Kitchen\nplugins: [techdocs-core]\n",
        "docs/index.md": """\
            # Kitchen

            !!! warning "Hot"
                Do not touch the stove.

            ??? tip "A trick"
                Salt the water.

            > [!NOTE]
            > Written the way GitHub writes it.

            === "Gas"

                ```sh
                light --flame
                ```

            === "Induction"

                Put a pot on it.

            - [x] wash
            - [ ] cook

            The end[^1], ==really==, H~2~O, ^^new^^ and ~~old~~. :smile:

            Salt
            :   A mineral.

            *[KISS]: Keep it simple

            KISS applies.

            [^1]: Of the recipe.
            """,
    },
    "snippets": {
        "mkdocs.yml": "site_name: Parts\nmarkdown_extensions: [{pymdownx.snippets: {base_path: [examples, .]}}]\n",
        "docs/index.md": '# Parts\n\n```python\n--8<-- "hello.py"\n```\n\n--8<-- "LICENCE.md"\n',
        "examples/hello.py": "def hello():\n    return 'from the example'\n",
        "LICENCE.md": "Everybody may use this licence text.\n",
    },
    "diagrams": {
        "mkdocs.yml": """\
            site_name: Maps
            markdown_extensions:
              - pymdownx.superfences:
                  custom_fences:
                    - name: mermaid
                      class: mermaid
                      format: !!python/name:pymdownx.superfences.fence_code_format
            """,
        "docs/index.md": """\
            # Maps

            ```mermaid
            flowchart LR
              A[Harbour] --> B{Tide?}
              B -->|high| C[Sea]
              B -->|low| A
            ```

            ```graphviz dot places.svg
            digraph places { rankdir=LR; north -> south; south -> north; }
            ```
            """,
    },
    "redirects": {
        "mkdocs.yml": """\
            site_name: Moved
            plugins:
              - techdocs-core
              - redirects: {redirect_maps: {old.md: new.md, far.md: 'https://elsewhere.example/'}}
            """,
        "docs/index.md": "# Moved\n\n[the old page](old/)\n",
        "docs/new.md": "# The new place\n\nHere it is.\n",
    },
    "names-of-the-world": {
        "mkdocs.yml": "site_name: Überblick\ntheme: {name: material, language: de}\n",
        "docs/index.md": "# Größe\n\n[Straße](straße/überweg.md) · [東京](東京.md) · [Pasar](pasar malam.md)\n",
        "docs/straße/überweg.md": "# Überweg\n\nGrüße aus der Straße.\n\n## Ä-Teil\n\n[zurück](../index.md)\n",
        "docs/東京.md": "# 東京\n\n港があります。\n",
        "docs/pasar malam.md": "# Pasar malam\n\nBuka sampai larut.\n",
    },
    "flat-addresses": {
        "mkdocs.yml": "site_name: Flat\nuse_directory_urls: false\nnav: [{Home: index.md}, {Guide: guide.md}]\n",
        "docs/index.md": "# Flat\n\n[Guide](guide.md) ![A lamp](img/lamp.svg)\n",
        "docs/guide.md": "# Guide\n\nNo slashes at the end.\n",
        "docs/img/lamp.svg": PIXEL,
    },
    "code-and-mathematics": {
        "mkdocs.yml": """\
            site_name: Numbers
            markdown_extensions: [{pymdownx.arithmatex: {generic: true}}, attr_list, md_in_html, pymdownx.keys]
            extra_javascript: [https://cdn.example/mathjax.js]
            """,
        "docs/index.md": """\
            # Numbers

            Inline $a^2 + b^2 = c^2$ and alone:

            $$
            \\int_0^1 x^2 \\, dx = \\frac{1}{3}
            $$

            ```python title="sum.py" hl_lines="2"
            total = 0
            total += 1
            ```

            Press ++ctrl+c++.

            <div class="grid cards" markdown>

            - **One** card
            - **Two** cards

            </div>

            | a | b |
            |--:|:-:|
            | 1 | 2 |
            """,
    },
    "blocks": {
        "mkdocs.yml": "site_name: Blocks\nplugins: [{techdocs-core: {use_pymdownx_blocks: true, use_material_search: true}}]\n",
        "docs/index.md": """\
            # Blocks

            /// note | Listen
            In the new way of writing.
            ///

            /// tab | First
            one
            ///

            /// tab | Second
            two
            ///
            """,
    },
    "other-folder-no-navigation": {
        "mkdocs.yaml": "site_name: Loose\ndocs_dir: handbook\ntheme: readthedocs\nrepo_url: https://git.example/loose\n",
        "handbook/index.md": "# Loose\n\nNobody wrote a navigation.\n",
        "handbook/how/to-begin.md": "# To begin\n\nOpen the door.\n",
    },
    "readme-alone": {
        "README.md": "# The tool\n\nIt hammers.\n\n## Usage\n\n`hammer nail`\n",
        "docs/adr/0001-use-nails.md": "# 1. Use nails\n\nAccepted.\n",
        "runbooks/bent-nail.md": "# Bent nail\n\nPull it out.\n",
        "openapi.yaml": "openapi: 3.0.0\ninfo: {title: Hammer, version: '1'}\npaths:\n  /nails:\n    get: {summary: List nails, responses: {'200': {description: Nails}}}\n",
    },
    "broken": {
        "mkdocs.yml": "site_name: Broken\nnav:\n  - Home: index.md\n   - Wrong: indentation.md\n",
        "docs/index.md": "# Never seen\n",
    },
}
"""By name: the files of a folder."""

TELLS: dict[str, list[tuple[str, str]]] = {
    "nested-navigation": [("", "Begin at"), ("running/day/morning/", "tides"), ("running/", "All of it.")],
    "monorepo": [("", "All ships."), ("engines/oil/", "Twice a day."), ("upper-deck/", "Wind.")],
    "admonitions-and-tabs": [("", "Do not touch the stove."), ("", "Written the way GitHub writes it.")],
    "snippets": [("", "from the example"), ("", "Everybody may use this licence text.")],
    "diagrams": [("", "flowchart LR")],
    "redirects": [("", "the old page"), ("old/", "Here it is.")],
    "names-of-the-world": [
        ("", "Größe"),
        ("straße/überweg/", "Grüße aus der Straße."),
        ("東京/", "港があります。"),
        ("pasar malam/", "Buka sampai larut."),
    ],
    "flat-addresses": [("", "Flat"), ("guide.html", "No slashes at the end.")],
    "code-and-mathematics": [("", "total"), ("", "Two")],
    "blocks": [("", "In the new way of writing."), ("", "two")],
    "other-folder-no-navigation": [("", "Nobody wrote a navigation."), ("how/to-begin/", "Open the door.")],
    "readme-alone": [
        ("", "It hammers."),
        ("adr/0001-use-nails/", "Accepted."),
        ("runbooks/bent-nail/", "Pull it out."),
        ("api/operations/", "List nails"),
    ],
}
"""Words that have to be on pages, by folder."""
