"""Meet the outside world: the workspace on disk, Git, HTTP."""
