"""Migrations of the scaffolder room."""
