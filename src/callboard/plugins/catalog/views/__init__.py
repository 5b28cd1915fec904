"""Answer the pages of the catalog; what they show comes from selectors, what they do from services."""
