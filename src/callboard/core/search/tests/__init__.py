"""Tests of the search platform."""
