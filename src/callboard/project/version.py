"""The version of the product, in the one place that packaging and the portal both read."""

__version__ = "0.1.0"
