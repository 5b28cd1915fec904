"""Read sites, pages and reports; what a caller may not see of the catalog has no documentation for them either."""
