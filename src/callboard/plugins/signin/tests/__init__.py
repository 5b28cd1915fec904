"""Tests of the sign-in room."""
