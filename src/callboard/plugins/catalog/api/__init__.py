"""The HTTP API of the catalog, compatible with the clients of the original, and our additions."""
