"""Keep answers for a moment: many people type the same, and a second later nothing has changed.

What this process writes into the index is seen at once; what another writes, after :data:`KEEP_SECONDS`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable

from callboard.core.search.types import SearchAnswer

KEEP_SECONDS = 1.0
KEEP = 500

_kept: OrderedDict[Hashable, tuple[float, SearchAnswer]] = OrderedDict()
_lock = threading.Lock()


def kept_answer(key: Hashable) -> SearchAnswer | None:
    """Answer what was answered a moment ago."""
    with _lock:
        entry = _kept.get(key)
    return entry[1] if entry and entry[0] > time.monotonic() else None


def keep_answer(key: Hashable, answer: SearchAnswer) -> None:
    """Keep an answer for a moment."""
    with _lock:
        _kept[key] = (time.monotonic() + KEEP_SECONDS, answer)
        _kept.move_to_end(key)
        while len(_kept) > KEEP:
            _kept.popitem(last=False)


def forget_answers() -> None:
    """Forget all answers, because the index changed."""
    with _lock:
        _kept.clear()
