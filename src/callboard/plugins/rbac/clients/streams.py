"""Send audit entries to a file, a syslog server, a webhook or an OpenTelemetry collector."""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from callboard.plugins.rbac.settings import (
    FileStream,
    OpenTelemetryStream,
    Stream,
    SyslogStream,
    WebhookStream,
)
from callboard.sdk.events import guarded_post

TIMEOUT = 10.0
FACILITY_AUDIT = 13
SEVERITY = {"succeeded": 6, "failed": 4, "denied": 4}
OTEL_SEVERITY = {"succeeded": (9, "INFO"), "failed": (13, "WARN"), "denied": (13, "WARN")}


class StreamError(Exception):
    """A stream did not take what was sent; the message says why."""


def send(stream: Stream, entries: Sequence[dict[str, Any]], allow: Sequence[str] = ()) -> None:
    """Send entries in order; raise :class:`StreamError` if any was not taken, and all are sent again later."""
    try:
        if isinstance(stream, FileStream):
            _append(stream, entries)
        elif isinstance(stream, SyslogStream):
            _syslog(stream, entries)
        elif isinstance(stream, WebhookStream):
            _webhook(stream, entries, allow)
        else:
            _opentelemetry(stream, entries, allow)
    except OSError as error:
        raise StreamError(str(error)) from error


def _append(stream: FileStream, entries: Sequence[dict[str, Any]]) -> None:
    path = Path(stream.path)
    # Readable for its owner alone: the record names people.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(b"".join(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE) for entry in entries))
        file.flush()
        os.fsync(file.fileno())


def _syslog(stream: SyslogStream, entries: Sequence[dict[str, Any]]) -> None:
    kind = socket.SOCK_DGRAM if stream.protocol == "udp" else socket.SOCK_STREAM
    found = socket.getaddrinfo(stream.host, stream.port, type=kind)
    family, _kind, protocol, _name, address = found[0]
    with socket.socket(family, kind, protocol) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(address)
        for entry in entries:
            line = syslog_line(entry)
            # Over TCP every message carries its length (RFC 6587), so that none is torn.
            connection.sendall(line if stream.protocol == "udp" else b"%d %s" % (len(line), line))


def syslog_line(entry: dict[str, Any]) -> bytes:
    """Answer an entry as a message of RFC 5424, with the entry itself as JSON."""
    priority = FACILITY_AUDIT * 8 + SEVERITY.get(entry["outcome"], 5)
    host = socket.gethostname() or "-"
    name = "".join(c if 33 <= ord(c) <= 126 else "?" for c in entry["action"])[:32] or "-"
    head = f"<{priority}>1 {entry['at']} {host} callboard - {name} - "
    return head.encode() + b"\xef\xbb\xbf" + orjson.dumps(entry)


def _webhook(stream: WebhookStream, entries: Sequence[dict[str, Any]], allow: Sequence[str]) -> None:
    body = orjson.dumps(list(entries))
    headers = {"Content-Type": "application/json", **stream.headers}
    if stream.secret:
        at = int(time.time())
        digest = hmac.new(stream.secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers["Callboard-Signature"] = f"t={at},v1={digest}"
    _post(stream.url, headers, body, allow)


def _opentelemetry(stream: OpenTelemetryStream, entries: Sequence[dict[str, Any]], allow: Sequence[str]) -> None:
    """Post OTLP as JSON: the SDK's exporter would connect without the guard, and is slow to import."""
    _post(stream.endpoint, {"Content-Type": "application/json", **stream.headers}, orjson.dumps(otlp(entries)), allow)


def otlp(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Answer entries as an OTLP request for logs."""
    records = []
    for entry in entries:
        number, text = OTEL_SEVERITY.get(entry["outcome"], (9, "INFO"))
        nanos = int(datetime.fromisoformat(entry["at"]).timestamp() * 1_000_000) * 1000
        attributes = {
            "event.name": entry["action"],
            "enduser.id": entry["actor"],
            "callboard.door": entry["door"],
            "callboard.outcome": entry["outcome"],
            "callboard.target": entry["target"],
            "callboard.request_id": entry["request_id"],
            "callboard.audit_id": str(entry["id"]),
        }
        records.append(
            {
                "timeUnixNano": str(nanos),
                "severityNumber": number,
                "severityText": text,
                "body": {"stringValue": orjson.dumps(entry).decode()},
                "attributes": [
                    {"key": key, "value": {"stringValue": value}} for key, value in attributes.items() if value
                ],
            }
        )
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "callboard"}}]}
    return {
        "resourceLogs": [
            {"resource": resource, "scopeLogs": [{"scope": {"name": "callboard.audit"}, "logRecords": records}]}
        ]
    }


def _post(url: str, headers: dict[str, str], body: bytes, allow: Sequence[str]) -> None:
    answer = guarded_post(url, headers, body, allow=allow, timeout=TIMEOUT)
    if not answer.accepted:
        raise StreamError(answer.error or f"the receiver answered {answer.status}: {answer.excerpt[:200]}")
