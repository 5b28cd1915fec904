"""The SDK version of this release; plugins declare the range they work with."""

SDK_VERSION = "1.0.0"
