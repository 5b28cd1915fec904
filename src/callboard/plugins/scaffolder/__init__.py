"""Software templates: fill in a form, run steps, get something that is in the catalog."""
