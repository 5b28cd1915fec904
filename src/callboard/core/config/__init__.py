"""Typed settings from `callboard.yaml`, the environment and the database."""
