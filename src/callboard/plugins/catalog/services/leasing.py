"""Tell whether whoever leased a source still lives.

A reader is alive as long as it holds the advisory lock on its number: PostgreSQL frees the lock the
moment the connection ends, which it does when the process is killed. So what a dead reader held is
read again at once, and nobody has to wait until its leases run out.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

from django.db import DatabaseError, connection

READER_LOCKS = 0x63620003
"""First half of the advisory locks of readers; the second is the reader's number."""


@contextlib.contextmanager
def reader() -> Iterator[int]:
    """Be a reader for as long as the block runs; answer its number."""
    number = secrets.randbelow(2**31 - 1) + 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [READER_LOCKS, number])
    try:
        yield number
    finally:
        # Where the connection is gone, so is the lock.
        with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [READER_LOCKS, number])


def living_readers() -> list[int]:
    """Answer the numbers of all readers that live; 0 stands for those that never had one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT objid::bigint FROM pg_locks
            WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = %s
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            [READER_LOCKS],
        )
        return [0, *(number for (number,) in cursor.fetchall())]
