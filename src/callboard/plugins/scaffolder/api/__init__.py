"""HTTP API of templates, with the paths and bodies of the original."""
