"""Logs of all processes: readable on a terminal, JSON elsewhere, never with a secret in them."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

HIDDEN = "********"

_SECRET_KEY = re.compile(r"pass(word|wd)?$|secret|token|authorization|cookie|api_?key|credential", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(\w[\w+.-]*://[^\s/:@]*:)[^\s@]+@")
_BEARER = re.compile(r"\b(bearer|basic|token)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_OWN_TOKEN = re.compile(r"\b(cb[a-z]*_)[\w-]{12,}")
_QUERY = re.compile(r"([?&](?:token|access_token|key|secret|password|code)=)[^&\s\"']+", re.IGNORECASE)


def hide_secrets(text: str) -> str:
    """Replace what looks like a secret in a text: passwords in URLs, bearer tokens, API tokens."""
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1{HIDDEN}@", text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    text = _OWN_TOKEN.sub(rf"\1{HIDDEN}", text)
    return _QUERY.sub(rf"\1{HIDDEN}", text)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide secrets in a log entry: by the name of a field and by the look of its text."""
    for key, value in event.items():
        if _SECRET_KEY.search(key) and value:
            event[key] = HIDDEN
        elif isinstance(value, str):
            event[key] = hide_secrets(value)
        elif isinstance(value, (dict, list)):
            event[key] = _redacted(value)
    return event


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: HIDDEN if _SECRET_KEY.search(str(k)) and v else _redacted(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    return hide_secrets(value) if isinstance(value, str) else value


def _add_caller(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say which request an entry belongs to, where there is one."""
    from callboard.core.auth.principal import acting

    request_id = acting().request_id
    if request_id:
        event.setdefault("request_id", request_id)
    return event


def configure(level: str = "info", style: str = "auto") -> None:
    """Send everything that is logged in this process to standard error in one style."""
    import structlog

    as_text = style == "text" or (style == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if as_text else "iso", utc=not as_text),
        _add_caller,
    ]
    finish: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_text:
        plain = structlog.dev.plain_traceback
        finish += [
            redact,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain),
        ]
    else:
        finish += [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=finish))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for noisy, least in {
        "httpx": "WARNING",
        "httpcore": "WARNING",
        "procrastinate": "WARNING",
        "psycopg.pool": "ERROR",
    }.items():
        logging.getLogger(noisy).setLevel(least)
