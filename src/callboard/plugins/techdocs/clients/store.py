"""Keep built sites: in a local folder or in a bucket, laid out the way the original lays them out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from callboard.plugins.techdocs.types.layout import METADATA, inside

_AT_ONCE = 8


_PREFIXES = {"s3": "aws_", "gs": "google_", "az": "azure_"}


class StoreError(Exception):
    """The store cannot be read or written; the message says which and why, never with keys."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One object: its bytes and the tag that changes with them."""

    content: bytes
    etag: str


class Store:
    """One place for objects, the same whether it is a folder or a bucket."""

    def __init__(self, url: str, options: dict[str, str] | None = None) -> None:
        self.url = url
        self._options = dict(options or {})
        parts = urlsplit(url)
        prefix = _PREFIXES.get(parts.scheme, "")
        wrong = [key for key in self._options if not key.lower().startswith(prefix)]
        if wrong:
            raise StoreError(f"The option {wrong[0]} of the store {url} is not known; its options begin with {prefix}.")
        self._root = Path(unquote(parts.path)) if parts.scheme == "file" else None

    @cached_property
    def _store(self) -> Any:
        from obstore.store import LocalStore, from_url

        try:
            if self._root is not None:
                return LocalStore(self._root, mkdir=True)
            client = {"allow_http": True} if self._endpoint().startswith("http://") else None
            config: Any = self._options
            return from_url(self.url, config=config, client_options=client)  # type: ignore[arg-type]
        except Exception as error:
            raise StoreError(f"The store {self.url} cannot be opened: {_words(error)}") from error

    def _endpoint(self) -> str:
        return next((value for key, value in self._options.items() if "endpoint" in key.lower()), "")

    def read(self, path: str) -> StoredFile | None:
        """Answer an object, or nothing if there is none."""
        import obstore

        safe = inside(path)
        if not safe:
            return None
        try:
            found = obstore.get(self._store, safe)
            return StoredFile(bytes(found.bytes()), str(found.meta.get("e_tag") or ""))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except Exception as error:
            if "Is a directory" in str(error) or "os error 21" in str(error):
                return None
            raise StoreError(f"The store {self.url} cannot be read: {_words(error)}") from error

    def names(self, prefix: str) -> Iterator[str]:
        """Answer the paths below a prefix, relative to it."""
        import obstore

        try:
            for batch in obstore.list(self._store, prefix=prefix or None):
                for meta in batch:
                    yield str(meta["path"])[len(prefix) + 1 if prefix else 0 :]
        except FileNotFoundError:
            return
        except Exception as error:
            raise StoreError(f"The store {self.url} cannot be listed: {_words(error)}") from error

    def write(self, path: str, content: bytes) -> None:
        """Write one object; whoever reads it gets the old or the new one, never half of it."""
        import obstore

        try:
            obstore.put(self._store, path, content)
        except Exception as error:
            raise StoreError(f"The store {self.url} cannot be written: {_words(error)}") from error

    def publish(self, prefix: str, folder: Path, *, keep: bool = False) -> int:
        """Make the site in `folder` the one at `prefix`, and answer how many bytes it has.

        The metadata comes last, so whoever sees it sees a whole site. What the site no longer has is removed
        after that. The folder is taken apart on the way unless it is to be kept.
        """
        names = sorted(_files(folder))
        old = set(self.names(prefix)) - set(names)
        size = sum((folder / name).stat().st_size for name in names)
        first, last = [name for name in names if name != METADATA], [METADATA] if METADATA in names else []
        for group in (first, last):
            self._put_all(prefix, folder, group, keep=keep)
        self.remove(f"{prefix}/{name}" for name in old if not name.startswith("@"))
        return size

    def _put_all(self, prefix: str, folder: Path, names: list[str], *, keep: bool) -> None:
        if self._root is not None:
            made: set[Path] = set()
            for name in names:
                target = self._root / prefix / name
                if target.parent not in made:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    made.add(target.parent)
                _move(folder / name, target, keep=keep)
            return
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda name: self.write(f"{prefix}/{name}", (folder / name).read_bytes()), names):
                pass

    def lower_case(self, *, remove: bool) -> int:
        """Copy every object whose first three folders have capitals to lower-case ones; answers how many."""
        count = 0
        for name in list(self.names("")):
            parts = name.split("/")
            lowered = "/".join([*(part.lower() for part in parts[:3]), *parts[3:]])
            if lowered == name:
                continue
            found = self.read(name)
            if found is not None:
                self.write(lowered, found.content)
                count += 1
                if remove:
                    self.remove([name])
        return count

    def remove(self, paths: Iterable[str]) -> None:
        """Remove objects; those that are not there are no mistake."""
        import obstore

        wanted = list(paths)
        if not wanted:
            return
        try:
            if self._root is not None:
                for path in wanted:
                    (self._root / path).unlink(missing_ok=True)
            else:
                obstore.delete(self._store, wanted)
        except FileNotFoundError:
            return
        except Exception as error:
            raise StoreError(f"The store {self.url} cannot be cleaned: {_words(error)}") from error

    def remove_site(self, prefix: str) -> None:
        """Remove everything below a prefix."""
        self.remove([f"{prefix}/{name}" for name in self.names(prefix)])


def _files(folder: Path) -> Iterator[str]:
    for path, directories, names in os.walk(folder):
        directories[:] = [name for name in directories if not Path(path, name).is_symlink()]
        for name in names:
            full = Path(path, name)
            # A site holds plain files alone; a link would let its builder publish what it may not read.
            if full.is_file() and not full.is_symlink():
                yield full.relative_to(folder).as_posix()


def _move(source: Path, target: Path, *, keep: bool) -> None:
    if not keep:
        with suppress(OSError):  # Another file system; see below.
            source.replace(target)
            return
    # Copied beside the place first, so that nobody reads half of it.
    beside = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, beside)
    beside.replace(target)


def _words(error: Exception) -> str:
    """Answer what went wrong, without the debug output that may quote a request."""
    return str(error).split("Debug source", maxsplit=1)[0].strip()[:300]
