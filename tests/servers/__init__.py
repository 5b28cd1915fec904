"""Local servers that speak the protocols of source hosts and directories, for the tests of all rooms.

`forge.Forge` is what a host holds: owners, repositories (real Git repositories on disk), people, teams. A *face*
(`github.GitHubFace(forge)`, …) speaks the protocol of one product about it: paging, ETags, rate limits, errors.

    with running(GitHubFace(forge)) as url:
        ...  # a client talks to `url`

`forge.requests` lists what was asked, `forge.fail("/repos", 500)` lets a request fail.
"""
