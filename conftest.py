"""Every test runs on a real PostgreSQL: the one of `DATABASE_URL`, or the embedded one.

A fixture of a plugin does not win over that of another plugin, so it is taken in here.
"""

from callboard.project.pytest_plugin import django_db_modify_db_settings

__all__ = ["django_db_modify_db_settings"]
