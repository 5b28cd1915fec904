"""Answer the pages of the documentation; what they show comes from selectors, what they do from services."""
