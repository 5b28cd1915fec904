"""Read catalog files from the outside world: local directories, web addresses and Git repositories.

The front is `reading.Reader`:

- `Reader(limits).read(location, etag="")` gives a `ReadResult`: `files`, `etag`, `not_modified`, and
  `errors` for files that failed while others were read. When nothing could be read it raises `ReadError`.
- `Reader.read_file_relative(base, relative)` reads one file named by a placeholder or a `$ref`.
- `Reader.resolve(base, relative)` turns a relative target of a Location entity into a `LocationTarget`.
- `Reader.links(location)` gives the view, edit and source addresses for the annotations of an entity.

A `LocationTarget(type, target)` has one of three types:

- `file`: a path, absolute or relative to a configured root; `*`, `**` and `{a,b}` match; a directory stands
  for every `catalog-info.yaml` or `.yml` below it;
- `url`: an http(s) address; addresses of files, folders and repositories on GitHub, GitLab, Bitbucket,
  Gitea and Azure DevOps are understood, and patterns in them are read through Git;
- `git`: `<repository>[//<path or pattern>][?ref=<branch, tag or commit>]` over https, ssh or file.

Below the front: `files`, `web` and `git` do the reading, `hosts` knows the addresses of source hosts,
`guard` keeps requests off private networks, `globs` matches paths, `types` holds what they share. Beside
it: `placeholders` (and `bundling`) put the contents of other files into an entity, `watch` notices changes
in local directories.
"""
