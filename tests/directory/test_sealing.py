"""Secrets at rest: read again under the same key, and after it was changed."""

from __future__ import annotations

import pytest
from django.test import override_settings

from directory.sealing import SecretUnreadable, opened, sealed

pytestmark = pytest.mark.feature("F025")

OLD = {"SECRET_KEY": "old", "SECRET_KEY_FALLBACKS": []}
ROTATED = {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["old"]}
FORGOTTEN = {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": []}


def test_a_secret_sealed_before_a_rotation_is_opened_after_it() -> None:
    with override_settings(**OLD):
        stored = sealed("JBSWY3DP")

    with override_settings(**ROTATED):
        assert opened(stored) == "JBSWY3DP"


def test_after_a_rotation_the_new_key_alone_opens_what_is_sealed() -> None:
    with override_settings(**ROTATED):
        stored = sealed("JBSWY3DP")

    with override_settings(**FORGOTTEN):
        assert opened(stored) == "JBSWY3DP"


def test_without_the_old_key_nothing_of_before_is_opened() -> None:
    with override_settings(**OLD):
        stored = sealed("JBSWY3DP")

    with override_settings(**FORGOTTEN), pytest.raises(SecretUnreadable):
        opened(stored)
