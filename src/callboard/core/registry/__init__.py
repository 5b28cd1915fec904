"""Find plugins, switch them on and off, quarantine what fails, list what they contribute."""
