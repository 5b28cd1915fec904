"""Plain rules of documentation: where things lie, what a configuration may say, what a page is."""
