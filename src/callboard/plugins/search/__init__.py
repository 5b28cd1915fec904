"""Find anything: the search page, the palette's results, the search API, and what people look for in vain."""
