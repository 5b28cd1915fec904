"""Tables of access, as they came to be."""
