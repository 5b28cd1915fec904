"""Tests of the documentation room."""
