"""Read objects of S3, Google Cloud Storage and Azure Blob Storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from callboard.lib.netguard import PRIVATE_NETWORKS, RefusedError, UnknownHostError, check_address
from callboard.plugins.catalog.public import GlobError, compile_glob
from callboard.plugins.sources.clients.entities import take_documents
from callboard.plugins.sources.settings import BucketSource, PeopleFileSource
from callboard.plugins.sources.types.found import Discovery, SourceError

MAX_BYTES = 10_000_000
MAX_OBJECTS = 50_000


def read_bucket(settings: BucketSource, limit: int = 0) -> Discovery:
    """Find catalog files in a bucket and take the entities in them."""
    found = Discovery()
    prefix = urlsplit(settings.url).path.strip("/")
    try:
        globs = [compile_glob(path) for path in settings.paths]
    except GlobError as error:
        raise SourceError(f"A path cannot be used: {error}.", "Shorten it.") from None
    with _errors(settings.url):
        store = _store(settings)
        for path, size in _listed(store, prefix):
            found.looked_at["objects"] += 1
            if found.looked_at["objects"] > MAX_OBJECTS:
                found.trouble(settings.url, f"The bucket has more than {MAX_OBJECTS:,} objects.", "Narrow the folder.")
                break
            below = path.removeprefix(prefix).lstrip("/")
            if not any(glob.matches(below) for glob in globs):
                continue
            if size > MAX_BYTES:
                found.trouble(path, f"The file is larger than {MAX_BYTES:,} bytes.", "Split it.")
                continue
            found.looked_at["files"] += 1
            content = bytes(store.get(path).bytes())
            bucket = urlsplit(settings.url)
            take_documents(content, path, found, f"{bucket.scheme}://{bucket.netloc}/{path}")
            if limit and found.looked_at["files"] >= limit:
                found.complete = False
                break
    return found


def read_object(settings: PeopleFileSource) -> bytes:
    """Answer one object."""
    path = urlsplit(settings.url).path.strip("/")
    with _errors(settings.url):
        result = _store(settings).get(path)
        if result.meta["size"] > MAX_BYTES:
            raise SourceError(f"{settings.url} is larger than {MAX_BYTES:,} bytes.", "Split it.")
        return bytes(result.bytes())


def _listed(store: Any, prefix: str) -> Iterator[tuple[str, int]]:
    for chunk in store.list(prefix=prefix or None):
        for one in chunk:
            yield one["path"], one["size"]


def _store(settings: BucketSource | PeopleFileSource) -> Any:
    from obstore import store as stores  # noqa: PLC0415 - a native library that few portals need

    parts = urlsplit(settings.url)
    options: Any = {"connect_timeout": "10s", "timeout": "60s"}
    if settings.endpoint:
        _judge(settings.endpoint, settings)
        options["allow_http"] = settings.endpoint.startswith("http://")
    retries: Any = {"max_retries": 2, "backoff": {"init_backoff": _seconds(0.2), "max_backoff": _seconds(2), "base": 2}}
    if parts.scheme == "s3":
        config: Any = {"region": settings.region or "us-east-1", "skip_signature": settings.anonymous}
        if settings.endpoint:
            config["endpoint"] = settings.endpoint
        if settings.access_key:
            config |= {"access_key_id": settings.access_key, "secret_access_key": settings.secret_key}
        return stores.S3Store(parts.netloc, config=config, client_options=options, retry_config=retries)
    if parts.scheme == "gs":
        config = {"skip_signature": settings.anonymous}
        key = _google_key(settings)
        if key:
            config["service_account_key"] = key
        return stores.GCSStore(parts.netloc, config=config, client_options=options, retry_config=retries)
    config = {"skip_signature": settings.anonymous}
    if settings.endpoint:
        config["endpoint"] = settings.endpoint
    if settings.access_key:
        config["account_name"] = settings.access_key
    if settings.secret_key:
        config["account_key"] = settings.secret_key
    return stores.AzureStore(parts.netloc, config=config, client_options=options, retry_config=retries)


def _google_key(settings: BucketSource | PeopleFileSource) -> str:
    """Answer the key of a service account; one that names servers of its own has to pass the guard."""
    import orjson  # noqa: PLC0415 - beside its one use

    if settings.endpoint and not settings.secret_key:
        plain = dict.fromkeys(("client_email", "private_key", "private_key_id"), "")
        return orjson.dumps({**plain, "gcs_base_url": settings.endpoint, "disable_oauth": True}).decode()
    if not settings.secret_key:
        return ""
    try:
        key = orjson.loads(settings.secret_key)
        named = [str(key[name]) for name in ("gcs_base_url", "token_uri") if key.get(name)]
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        raise SourceError("The key is no JSON.", "Paste the whole key file of the service account.") from None
    for url in named:
        _judge(url, settings)
    return settings.secret_key


def _judge(url: str, settings: BucketSource | PeopleFileSource) -> None:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        check_address(parts.hostname or "", port, PRIVATE_NETWORKS if settings.private else ())
    except RefusedError as error:
        raise SourceError(f"{error}.", "If the server is your company's, tick “It is on a private network”.") from None
    except UnknownHostError as error:
        raise SourceError(f"{error}.", "Check the endpoint.") from None


def _seconds(count: float) -> Any:
    from datetime import timedelta  # noqa: PLC0415 - beside its one use

    return timedelta(seconds=count)


@contextmanager
def _errors(place: str) -> Iterator[None]:
    from obstore import exceptions  # noqa: PLC0415 - see _store

    try:
        yield
    except (exceptions.UnauthenticatedError, exceptions.PermissionDeniedError):
        raise SourceError(
            f"{place} refuses the sign-in.", "Check key and secret, and what they may read.", code="unauthorized"
        ) from None
    except (exceptions.NotFoundError, FileNotFoundError):
        raise SourceError(
            f"{place} is not there.", "Check the name of the bucket and of the folder.", code="not-found"
        ) from None
    except (exceptions.BaseError, ValueError, OSError) as error:
        said = " ".join(str(error).split())[:300]
        if "NoSuchBucket" in said or "ContainerNotFound" in said:
            raise SourceError(f"{place} is not there.", "Check the name of the bucket.", code="not-found") from None
        raise SourceError(
            f"{place} could not be read: {said}.", "Check region, endpoint and keys.", code="unavailable"
        ) from None
