"""Pages of templates: the gallery, the form, tasks, actions."""
