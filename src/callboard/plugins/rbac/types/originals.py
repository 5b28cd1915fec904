"""Permissions of the original portal and its usual plugins, as people's policies name them.

A policy may name these although no plugin that is switched on asks for them yet: they count once one does.
"""

ORIGINAL_PERMISSIONS = frozenset(
    {
        "adr.entity.read",
        "announcement.entity.create",
        "announcement.entity.delete",
        "announcement.entity.update",
        "bulk.import",
        "catalog-entity",
        "devtools.administer",
        "devtools.config",
        "devtools.external-dependencies",
        "devtools.info",
        "kubernetes.clusters.read",
        "kubernetes.proxy",
        "kubernetes.resources.read",
        "playlist.list.create",
        "playlist.list.delete",
        "playlist.list.read",
        "playlist.list.update",
        "playlist.followers.read",
        "playlist.followers.update",
        "policy.entity.create",
        "policy.entity.delete",
        "policy.entity.read",
        "policy.entity.update",
        "scaffolder.action.execute",
        "scaffolder.task.cancel",
        "scaffolder.task.create",
        "scaffolder.task.read",
        "scaffolder.template.management",
        "scaffolder.template.parameter.read",
        "scaffolder.template.step.read",
        "search.read",
        "techdocs.read",
    }
)
