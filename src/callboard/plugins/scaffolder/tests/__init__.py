"""Tests of the scaffolder room."""
