"""One process that starts the parts of the portal, restarts what dies and stops all of it cleanly.

It imports neither Django nor any library, so that it stays small and starts at once.
"""
