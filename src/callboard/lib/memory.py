"""Give memory that is no longer used back to the system."""

from __future__ import annotations

import ctypes
import gc


def give_back() -> bool:
    """Collect garbage and return free pages to the system; answer whether the C library can do that.

    The C library keeps what a large piece of work has used for the next one, which may never come. Only
    glibc has ``malloc_trim``; elsewhere the memory stays with the process.
    """
    gc.collect()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return False
    trim(0)
    return True
