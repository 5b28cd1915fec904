"""The process group: settings, URLs, WSGI entry point and the `callboard` command."""
