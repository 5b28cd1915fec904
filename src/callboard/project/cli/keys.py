"""Commands for the keys that sign sessions and seal secrets."""

from __future__ import annotations

from typing import Annotated

import typer

from callboard.core.config.console import fail, note, show

app = typer.Typer(help="The keys that sign sessions and seal secrets.", no_args_is_help=True)


@app.command("rotate")
def rotate() -> None:
    """Make a new secret key; the old one goes on opening what it sealed. Restart the portal afterwards."""
    import secrets

    from callboard.core.config.secret_files import rotate_secret_key
    from callboard.project.boot import read_config

    config = read_config()
    if not (config.data_dir / "secrets" / "secret_key").exists() or config.source_of("secret_key") != "default":
        fail(
            "the secret key is set by the configuration",
            "Move its value to the front of secret_key_fallbacks, set a new secret_key, and restart the portal.",
            code="configured",
        )
    rotate_secret_key(config.data_dir, secrets.token_urlsafe(48))
    show({"rotated": True}, "A new secret key is in place. Restart the portal, then run `callboard secrets renew`.")


@app.command("renew")
def renew(
    forget: Annotated[bool, typer.Option("--forget", help="Then remove the earlier keys the portal keeps.")] = False,
) -> None:
    """Seal every secret in the database anew, with the newest key."""
    from callboard.project.boot import start_django

    config = start_django()
    from callboard.core.audit.services import record
    from callboard.core.auth.principal import OPERATOR, become
    from callboard.core.auth.services import renew_second_factors
    from callboard.core.config.secret_files import forget_earlier_secret_keys
    from callboard.core.config.services import renew_secrets

    become(OPERATOR, "cli")
    result = renew_secrets()
    factors, lost = renew_second_factors()
    lost += result.lost
    record("config.secrets.renew", "secrets", {"renewed": result.renewed, "factors": factors, "lost": len(lost)})
    for item in lost:
        note(f"cannot be opened with any key: {item}")
    if lost:
        fail(f"{len(lost)} secrets cannot be opened", "Set them anew, then run this again.", code="lost")
    if forget:
        forget_earlier_secret_keys(config.data_dir)
    show(
        {"secrets": result.seen, "renewed": result.renewed, "secondFactors": factors, "forgotten": forget},
        f"{result.renewed} of {result.seen} secrets and {factors} second factors are sealed anew.",
    )
