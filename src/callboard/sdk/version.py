"""The version of the SDK, which plugins declare a range of; it is not the product's version."""

from callboard.core.registry.sdk_version import SDK_VERSION

__all__ = ["SDK_VERSION"]
