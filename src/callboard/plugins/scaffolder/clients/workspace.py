"""The folder a task works in. Whatever a template names, nothing outside of it is read or written."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

from callboard.plugins.scaffolder.types.tasks import ActionError

CHUNK = 1 << 20
NAME_BYTES = 255


class Workspace:
    """A folder with walls. Paths are relative, with ``/``; ``..``, absolute paths and links are refused."""

    def __init__(self, root: Path, *, max_files: int = 10_000, max_bytes: int = 200_000_000) -> None:
        self.root = root
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._files = 0
        self._bytes = 0
        self._folders: set[str] = set()

    def make(self) -> Workspace:
        """Make the folder, readable for nobody else; answer itself."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    def remove(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self.root, ignore_errors=True)

    def clean(self, path: str) -> str:
        """Answer the path in its plain form. Raises :class:`ActionError` where it leads out."""
        text = str(path)
        if "\0" in text or len(text) > 4000:
            raise ActionError("A path has a null character or is too long.", "Correct the path.")
        parts: list[str] = []
        for part in text.replace("\\", "/").split("/"):
            if part in {"", "."}:
                continue
            if part == "..":
                if not parts:
                    raise _leads_out(text)
                parts.pop()
            else:
                parts.append(part)
        if text.startswith(("/", "~")) or (len(text) > 1 and text[1] == ":" and text[0].isalpha()):
            raise _leads_out(text)
        if any(len(part.encode("utf-8", "surrogateescape")) > NAME_BYTES for part in parts):
            raise ActionError(f"{text[:80]}… has a name that is too long for a file.", "Use a shorter name.")
        return "/".join(parts)

    def path(self, path: str) -> Path:
        """Answer where a path is on disk, every folder above it being a real folder of the workspace."""
        clean = self.clean(path)
        found = self.root
        for part in clean.split("/")[:-1] if clean else []:
            found = found / part
            if found.is_symlink():
                raise ActionError(
                    f"{path} goes through {part}, which is a symbolic link.", "Use the path of the folder itself."
                )
        return self.root / clean if clean else self.root

    def real(self, path: str) -> Path:
        """Answer where an existing file or folder is; a link that leads out is refused."""
        found = self.path(path)
        if found.is_symlink():
            inside = Path(os.path.realpath(found))
            if not inside.is_relative_to(os.path.realpath(self.root)):
                raise _leads_out(path)
            return inside
        return found

    def exists(self, path: str) -> bool:
        """Whether there is anything."""
        return os.path.lexists(self.path(path))

    def read(self, path: str, limit: int = 50_000_000) -> bytes:
        """Answer the content of a file."""
        found = self.real(path)
        try:
            handle = os.open(found, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise ActionError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from None
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ActionError(f"{path} is no file.", "Name a file.")
            content = file.read(limit + 1)
        if len(content) > limit:
            raise ActionError(f"{path} is larger than {limit:,} bytes.", "Leave it out.")
        return content

    def write(self, path: str, content: bytes, *, executable: bool = False) -> None:
        """Write a file; folders above it are made."""
        clean = self.clean(path)
        if not clean:
            raise ActionError("A file without a name cannot be written.", "Give a path.")
        self._count(len(content))
        target = self._under(clean)
        if target.is_symlink() or target.is_dir():
            what = "a symbolic link" if target.is_symlink() else "a folder"
            raise ActionError(f"{clean} is {what} already.", "Remove it first, or write somewhere else.")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            handle = os.open(target, flags, 0o755 if executable else 0o644)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
        except OSError as error:
            raise ActionError(f"{clean} cannot be written: {error.strerror}.", "Check the path.") from None

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link, if it stays inside the workspace."""
        clean = self.clean(path)
        folder = clean.rsplit("/", 1)[0] if "/" in clean else ""
        if target.startswith("/"):
            raise _leads_out(target)
        self.clean(f"{folder}/{target}" if folder else target)
        self._count(0)
        place = self._under(clean)
        if os.path.lexists(place):
            place.unlink()
        place.symlink_to(target)
        if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(self.root)):
            place.unlink()
            raise _leads_out(target)

    def folder(self, path: str) -> Path:
        """Make a folder and answer where it is."""
        clean = self.clean(path)
        return self._under(f"{clean}/x").parent if clean else self.make().root

    def _under(self, clean: str) -> Path:
        folder = clean.rsplit("/", 1)[0] if "/" in clean else ""
        if folder not in self._folders:
            found = self.path(f"{folder}/x" if folder else "x").parent
            try:
                found.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError):
                raise ActionError(f"{folder} is a file, so {clean} cannot be written.", "Use another path.") from None
            self._folders.add(folder)
        return self.root / clean

    def forget(self) -> None:
        """Look at the disk again, after something else has changed it."""
        self._folders.clear()

    def _count(self, size: int) -> None:
        if self._files + 1 > self._max_files:
            raise ActionError(f"The task writes more than {self._max_files:,} files.", "scaffolder.max_files says so.")
        if self._bytes + size > self._max_bytes:
            raise ActionError(f"The task writes more than {self._max_bytes:,} bytes.", "scaffolder.max_bytes says so.")
        self._files += 1
        self._bytes += size

    def remove_path(self, path: str) -> None:
        """Remove a file, a link or a whole folder; the workspace itself stays."""
        clean = self.clean(path)
        if not clean:
            raise ActionError("The workspace itself cannot be removed.", "Name what is inside.")
        found = self.path(clean)
        self.forget()
        if found.is_symlink() or found.is_file():
            found.unlink()
        elif found.is_dir():
            shutil.rmtree(found)

    def files(self, path: str = "", *, folders: bool = False) -> Iterator[str]:
        """Answer the paths of all files and links below a folder, sorted; links are not followed."""
        start = self.real(path)
        if not start.is_dir():
            if os.path.lexists(start):
                yield self.clean(path)
            return
        base = os.fspath(self.root)
        for here, below, names in os.walk(start):
            below.sort()
            relative = os.path.relpath(here, base)
            prefix = "" if relative == "." else f"{relative}/"
            linked = [name for name in below if Path(here, name).is_symlink()]
            if folders:
                yield from (f"{prefix}{name}/" for name in below if name not in linked)
            yield from (f"{prefix}{name}" for name in sorted([*names, *linked]))

    def digests(self, path: str = "") -> dict[str, str]:
        """Answer the digest of every file, by path."""
        return {name: hashlib.sha256(self.read(name)).hexdigest() for name in self.files(path)}

    # --- Keeping it between steps --------------------------------------------------

    def pack(self) -> bytes:
        """Answer everything as one archive."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
            for name in self.files(folders=True):
                archive.add(self.root / name.rstrip("/"), arcname=name.rstrip("/"), recursive=False)
        return buffer.getvalue()

    def unpack(self, content: bytes) -> None:
        """Put back what :meth:`pack` made."""
        self.remove()
        self.make()
        self.forget()
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            archive.extractall(self.root, filter="data")


def _leads_out(path: str) -> ActionError:
    return ActionError(
        f"{str(path)[:200]} leads out of the workspace.", "Use a relative path without `..` that stays inside."
    )
