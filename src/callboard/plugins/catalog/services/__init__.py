"""Everything that changes the catalog, one verb a function."""
