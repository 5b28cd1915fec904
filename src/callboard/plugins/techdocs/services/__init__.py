"""What is done with documentation: gather, build, publish, look through, answer readers."""
