"""Hold the tests of the catalog room next to it."""
