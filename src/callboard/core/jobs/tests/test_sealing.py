"""Keys that seal secrets can be changed: old ones open, the newest seals, and everything can be sealed anew."""

import pytest
from django.test import override_settings

from callboard.core.config.sealing import open_secret, seal_secret, sealed_fields
from callboard.core.config.secret_files import earlier_secret_keys, forget_earlier_secret_keys, rotate_secret_key
from callboard.core.config.services import renew_secrets
from callboard.core.events.models import Webhook
from callboard.lib.crypto import SealError

OLD, NEW = b"o" * 32, b"n" * 32


def test_the_newest_key_seals_and_older_ones_still_open():
    with override_settings(ENCRYPTION_KEYS=[OLD]):
        sealed = seal_secret("hush", "x")
    with override_settings(ENCRYPTION_KEYS=[NEW, OLD]):
        assert open_secret(sealed, "x") == "hush"
        anew = seal_secret("hush", "x")
    with override_settings(ENCRYPTION_KEYS=[NEW]):
        assert open_secret(anew, "x") == "hush"
        with pytest.raises(SealError):
            open_secret(sealed, "x")


@pytest.mark.django_db
def test_renewing_seals_everything_with_the_newest_key_and_names_what_is_lost():
    with override_settings(ENCRYPTION_KEYS=[OLD]):
        good = Webhook.objects.create(title="good", url="https://a.example", events=[], created_by="x")
        Webhook.objects.filter(pk=good.pk).update(secret=seal_secret("s", f"webhook:{good.pk}"))
        bad = Webhook.objects.create(title="bad", url="https://a.example", events=[], created_by="x", secret="v1:AAAA")
    with override_settings(ENCRYPTION_KEYS=[NEW, OLD]):
        first, second = renew_secrets(), renew_secrets()
    assert first.renewed == 1
    assert first.lost == [f"cb_events_webhook {bad.pk}"]
    assert second.renewed == 0
    with override_settings(ENCRYPTION_KEYS=[NEW]):
        assert open_secret(Webhook.objects.get(pk=good.pk).secret, f"webhook:{good.pk}") == "s"


def test_the_portal_knows_where_secrets_are():
    assert {"cb_events_webhook", "cb_auth_signing_key"} <= {model._meta.db_table for model, _ in sealed_fields()}


def test_rotating_keeps_the_earlier_keys_until_they_are_forgotten(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "secret_key").write_text("first\n")
    rotate_secret_key(tmp_path, "second")
    rotate_secret_key(tmp_path, "third")
    assert (tmp_path / "secrets" / "secret_key").read_text() == "third\n"
    assert earlier_secret_keys(tmp_path) == ["second", "first"]
    forget_earlier_secret_keys(tmp_path)
    assert earlier_secret_keys(tmp_path) == []
