"""The one door into the core: what plugins, ours and others', may import, module by module."""
