"""Tests of the room of source hosts."""
