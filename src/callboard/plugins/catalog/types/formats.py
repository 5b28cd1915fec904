"""Tell well-formed names, versions, keys and tags from others, and say in words what is expected."""

import re
from functools import lru_cache

API_VERSION = "1 to 63 letters and digits, optionally after a DNS name and a slash, such as backstage.io/v1alpha1"
KIND = "1 to 63 letters and digits that start with a letter, such as Component"
OBJECT_NAME = "1 to 63 letters, digits and any of - _ . between them, starting and ending with a letter or digit"
NAMESPACE = "1 to 63 lower-case letters and digits, with single or repeated - between them"
LABEL_KEY = f"{OBJECT_NAME}, optionally after a DNS name of at most 253 characters and a slash"
TAG = "1 to 63 lower-case letters, digits, : + or #, in parts separated by -"

_VERSION = re.compile(r"[a-z0-9A-Z]{1,63}")
_KIND = re.compile(r"[a-zA-Z][a-z0-9A-Z]{0,62}")
_OBJECT_NAME = re.compile(r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DNS_LABEL = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")
_TAG = re.compile(r"[a-z0-9:+#]+(?:-[a-z0-9:+#]+)*")
_LONGEST = 253 + 1 + 63
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*")


def is_kind(text: str) -> bool:
    """Such as ``Component``."""
    return _KIND.fullmatch(text) is not None


def is_object_name(text: str) -> bool:
    """``my-service_2.0``; also the form of label values."""
    return len(text) <= 63 and _OBJECT_NAME.fullmatch(text) is not None


def is_dns_label(text: str) -> bool:
    """``team-a``; the form of namespaces."""
    return len(text) <= 63 and _DNS_LABEL.fullmatch(text) is not None


def is_dns_subdomain(text: str) -> bool:
    """Such as ``scaffolder.backstage.io``."""
    return len(text) <= 253 and all(is_dns_label(label) for label in text.split("."))


def is_api_version(text: str) -> bool:
    """Such as ``v1`` or ``backstage.io/v1alpha1``."""
    return len(text) <= _LONGEST and _api_version(text)


@lru_cache(maxsize=256)
def _api_version(text: str) -> bool:
    prefix, slash, version = text.rpartition("/")
    return _VERSION.fullmatch(version) is not None and (not slash or is_dns_subdomain(prefix))


def is_label_key(text: str) -> bool:
    """``tier`` or ``backstage.io/techdocs-ref``; also the form of annotation keys."""
    return len(text) <= _LONGEST and _label_key(text)


# The same few keys stand on nearly every entity.
@lru_cache(maxsize=4096)
def _label_key(text: str) -> bool:
    prefix, slash, name = text.rpartition("/")
    return is_object_name(name) and (not slash or is_dns_subdomain(prefix))


def is_tag(text: str) -> bool:
    """Such as ``c++``, ``java-17``."""
    return len(text) <= 63 and _TAG.fullmatch(text) is not None


def is_url_scheme(text: str) -> bool:
    """Such as ``https``."""
    return _SCHEME.fullmatch(text) is not None
