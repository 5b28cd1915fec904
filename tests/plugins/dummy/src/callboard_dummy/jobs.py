"""Long work of the dummy plugin."""

from callboard_dummy import services

from callboard.sdk.jobs import JobContext


def make_things(context: JobContext, prefix: str = "made", count: int = 2) -> None:
    """Make some things, one by one."""
    for number in range(count):
        services.add_thing(f"{prefix}-{number}")
        context.progress(number + 1, count, f"made {number + 1}")
    context.log(f"made {count} things")
