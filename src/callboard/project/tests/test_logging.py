"""Logs say what happened and never a secret."""

import json
import os
import subprocess
import sys

import pytest

from callboard.project.logging import HIDDEN, hide_secrets


@pytest.mark.parametrize(
    "text",
    [
        "connecting to postgresql://me:hunter2@host/db",
        "Authorization: Bearer hunter2hunter2",
        "GET /setup?token=hunter2 HTTP/1.1",
        "made cbt_hunter2hunter2hunter2",
    ],
)
def test_what_looks_like_a_secret_is_hidden_in_texts(text):
    assert "hunter2" not in hide_secrets(text)
    assert HIDDEN in hide_secrets(text)


def test_harmless_texts_stay_as_they_are():
    text = "read https://example.com/a?page=2 and the token was accepted"
    assert hide_secrets(text) == text


def test_a_process_that_is_no_terminal_logs_json_with_the_request_and_without_secrets():
    code = (
        "from callboard.project.logging import configure; configure('info', 'auto')\n"
        "import logging, structlog\n"
        "from callboard.core.auth.principal import OPERATOR, act_as\n"
        "with act_as(OPERATOR, 'ui', request_id='r-1'):\n"
        "    logging.getLogger('a').info('at %s', 'https://u:hunter2@h')\n"
        "    structlog.get_logger('b').warning('made', password='hunter2', nested={'api_key': 'hunter2', 'n': 1})\n"
        "    logging.getLogger('c').debug('quiet')\n"
        "    try: 1 / 0\n"
        "    except ZeroDivisionError: logging.getLogger('d').exception('failed')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    entries = [json.loads(line) for line in done.stderr.splitlines()]
    assert [e["logger"] for e in entries] == ["a", "b", "d"]
    assert "hunter2" not in done.stderr
    assert {e["request_id"] for e in entries} == {"r-1"}
    assert entries[1]["nested"] == {"api_key": HIDDEN, "n": 1}
    assert "ZeroDivisionError" in entries[2]["exception"]
