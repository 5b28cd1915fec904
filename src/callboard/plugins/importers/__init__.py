"""Read the files of other tools, so that people can move in without rewriting anything."""
