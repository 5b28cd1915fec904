"""Greet a person with what is theirs and what to do next."""
