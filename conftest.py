"""Every test runs on a real PostgreSQL: the one of `DATABASE_URL`, or the embedded one."""

from callboard.project.pytest_plugin import django_db_modify_db_settings

__all__ = ["django_db_modify_db_settings"]
