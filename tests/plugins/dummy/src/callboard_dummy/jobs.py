"""Long work of the dummy plugin."""

import threading

from callboard.sdk.jobs import JobContext
from callboard_dummy import services


def make_things(context: JobContext, prefix: str = "made", count: int = 2) -> None:
    """Make some things, one by one."""
    for number in range(count):
        services.add_thing(f"{prefix}-{number}")
        context.progress(number + 1, count, f"made {number + 1}")
    context.log(f"made {count} things")


def keep_company(stop: threading.Event) -> None:
    """Add a thing as soon as a worker is there, and wait for its end."""
    services.add_thing("kept-company")
    stop.wait()
