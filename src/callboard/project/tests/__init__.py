"""Tests of the start-up, the command and the embedded database."""
