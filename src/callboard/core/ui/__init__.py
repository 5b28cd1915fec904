"""The shell every page lives in: navigation, palette, components, error pages."""
