"""Notice changes in local directories at once, so that an edit shows without waiting for a refresh."""

import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import watchfiles

from .files import skipped_directory

_log = logging.getLogger(__name__)


class _Filter(watchfiles.BaseFilter):
    """Pass over what no reader would look at, and over the scratch files of editors."""

    def __init__(self, roots: Iterable[Path]) -> None:
        self._roots = tuple(roots)
        super().__init__()

    def __call__(self, change: watchfiles.Change, path: str) -> bool:  # noqa: ARG002 - its caller sets the shape
        for root in self._roots:
            if Path(path).is_relative_to(root):
                folders = Path(path).relative_to(root).parts
                return not any(skipped_directory(part) for part in folders) and not path.endswith(("~", ".swp"))
        return True


def watch(
    paths: Iterable[Path],
    on_change: Callable[[frozenset[Path]], None],
    stop: threading.Event,
    *,
    debounce: float = 0.3,
    on_start: Callable[[], None] | None = None,
) -> None:
    """Call `on_change` with the changed paths until `stop` is set; many changes at once make one call.

    `on_start` is called once when watching has begun: what changed before that moment is seen by nobody else.
    Paths that do not exist are left out. An error in either is logged and does not end the watching.
    """
    present = [Path(os.path.realpath(path)) for path in paths if Path(path).exists()]
    if not present:
        _log.info("nothing to watch: none of the directories exists")
        stop.wait()
        return
    changes = watchfiles.watch(
        *present,
        watch_filter=_Filter(present),
        debounce=max(1, int(debounce * 1000)),
        step=50,
        stop_event=stop,
        rust_timeout=250,
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    )
    for batch in changes:
        try:
            if on_start is not None:
                begun, on_start = on_start, None
                begun()
            if batch:
                on_change(frozenset(Path(path) for _, path in batch))
        except Exception:  # noqa: BLE001 - whoever handles a change may fail; the next must still be seen
            _log.exception("handling a change of local files failed")
