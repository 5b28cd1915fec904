"""Send requests for templates: to hosts that the operator has allowed, and to nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callboard.plugins.scaffolder.clients.web import RefusedRequestError, send
from callboard.plugins.scaffolder.types.tasks import ActionError

if TYPE_CHECKING:
    from callboard.plugins.scaffolder.services.context import ActionContext


def send_request(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Send one request and answer status, headers and body."""
    config = context.settings
    method, url = str(given.get("method") or "GET").upper(), str(given["url"])
    if context.dry_run:
        context.log(f"Would send {method} {url}")
        return {"code": 200, "headers": {}, "body": {}}
    try:
        status, headers, body = send(
            method,
            url,
            headers={str(k): str(v) for k, v in (given.get("headers") or {}).items()},
            params={str(k): str(v) for k, v in (given.get("params") or {}).items()},
            body=given.get("body"),
            seconds=float(given.get("timeout") or 30),
            allowed=config.http_allow,
            private=config.http_private,
        )
    except RefusedRequestError as error:
        raise ActionError(context.masker.text(str(error)), error.remedy) from error
    context.log(f"{method} {url}: {status}")
    if status >= 400 and given.get("continueOnBadResponse") is not True:
        raise ActionError(
            f"{method} {url} answered with {status}: {str(body)[:500]}", "Look at what the other side says."
        )
    return {"code": status, "headers": headers, "body": body}
