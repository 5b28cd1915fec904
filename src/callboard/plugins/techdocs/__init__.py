"""Documentation beside the code: built from the source's Markdown, read in the portal, found by its search."""
