"""Say in Markdown what the code says of commands, settings, addresses, kinds, permissions, events and tables."""
