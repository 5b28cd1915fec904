"""What follows once the portal answers: load the demo organisation, or help the first administrator in."""

from __future__ import annotations

import argparse
import sys
import traceback


def main() -> None:
    """Do it in a process of its own, so that the portal answers at once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--demo", action="store_true")
    arguments = parser.parse_args()
    from callboard.project.boot import start_django

    config = start_django()
    from callboard.project.logging import configure

    configure(config.log.level, config.log.format)
    if arguments.demo:
        _load_demo()
    else:
        _welcome(arguments.url.rstrip("/"))


def _load_demo() -> None:
    from callboard.core.auth.principal import SYSTEM, act_as
    from callboard.core.registry.contract import DemoData
    from callboard.core.registry.store import registry

    failed = []
    for item in registry.of(DemoData):
        try:
            with act_as(SYSTEM, "system"), registry.guard(item):
                item.load()
        except Exception:  # noqa: BLE001 - one plugin's demo data must not stand in the way of another's
            traceback.print_exc()
            failed.append(item.id)
    if failed:
        sys.exit(f"callboard: demo data could not be loaded: {', '.join(failed)}")


def _welcome(url: str) -> None:
    from callboard.core.auth.principal import SYSTEM, act_as
    from callboard.core.auth.services import create_setup_link

    with act_as(SYSTEM, "system"):
        secret = create_setup_link()
    if secret:
        sys.stdout.write(
            "Nobody has an account yet. Make the first administrator here (valid for 24 hours):\n"
            f"  {url}/setup?token={secret}\n"
            "or with `callboard user create --administrator NAME`.\n\n"
        )


if __name__ == "__main__":
    from callboard.project.guarded import guarded

    sys.exit(guarded(main))
