"""Connections to source hosts: which there are, how to sign in to them, and one client for all products."""
