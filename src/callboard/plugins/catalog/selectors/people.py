"""Who people are: from accounts to User entities, from those to everything they own things as."""

from __future__ import annotations

from django.db import connection

from callboard.plugins.catalog.models import Entity


class CatalogDirectory:
    """Answer for sign-in from the User and Group entities of the catalog."""

    def find_user_ref(self, username: str, email: str) -> str:
        """Answer the User entity of an account: by e-mail address first, then by name; empty if there is none."""
        users = Entity.objects.filter(kind="user")
        if email:
            term = f"spec.profile.email={email.lower()}"
            found = list(users.filter(terms__contains=[term]).values_list("ref", flat=True)[:2])
            if len(found) == 1:
                return str(found[0])
        ref = users.filter(namespace="default", name=username.lower()).values_list("ref", flat=True).first()
        return str(ref or "")

    def ownership_refs(self, user_ref: str) -> tuple[str, ...]:
        """Answer the person's own ref, their groups, and the groups those belong to."""
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH RECURSIVE mine(ref) AS (
                  SELECT target_ref FROM cb_catalog_relation WHERE source_ref = %s AND type = 'memberOf'
                  UNION
                  SELECT r.target_ref FROM mine
                  JOIN cb_catalog_relation r ON r.source_ref = mine.ref AND r.type = 'childOf'
                )
                SELECT ref FROM mine ORDER BY ref
                """,
                [user_ref],
            )
            return (user_ref, *(ref for (ref,) in cursor.fetchall()))
