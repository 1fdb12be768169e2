import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

import kith
from kith.verify import verify_webhook

SECRET = "whsec_" + base64.b64encode(bytes([7] * 32)).decode()
OTHER = "whsec_" + base64.b64encode(bytes([8] * 32)).decode()
NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
ID = "019d0000-0000-7000-8000-000000000000"
BODY = json.dumps({"specversion": "1.0", "id": ID, "type": "kith.v1.met"}).encode()


def headers(*secrets: str, at: datetime = NOW, body: bytes = BODY, event: str = ID) -> dict[str, str]:
    """What the library signs with each of the secrets."""
    signatures = [Webhook(secret).sign(event, at, body.decode()) for secret in secrets]
    return {
        "Webhook-Id": event,
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": " ".join(signatures),
    }


def refused(**changes: object) -> str:
    given: dict[str, object] = {"secret": SECRET, "headers": headers(SECRET), "body": BODY} | changes
    check: Callable[..., object] = verify_webhook
    with pytest.raises(kith.NotVerified) as caught:
        check(given["secret"], given["headers"], given["body"], now=NOW)
    return str(caught.value)


def test_what_the_library_signs_is_accepted() -> None:
    assert verify_webhook(SECRET, headers(SECRET), BODY, now=NOW)["type"] == "kith.v1.met"
    for secrets in [(OTHER, SECRET), (SECRET, OTHER)]:
        verify_webhook(SECRET, headers(*secrets), BODY, now=NOW)
        verify_webhook(OTHER, headers(*secrets), BODY, now=NOW)
    now = datetime.now(UTC)
    verify_webhook(SECRET, headers(SECRET, at=now), BODY)
    Webhook(SECRET).verify(BODY, {name.lower(): value for name, value in headers(SECRET, at=now).items()})


def test_what_was_changed_is_refused() -> None:
    assert "signature" in refused(secret=OTHER)
    assert "signature" in refused(body=BODY + b" ")
    for name in headers(SECRET):
        given = headers(SECRET)
        altered = given[name].replace("0", "1", 1) + ("x" if name == "Webhook-Signature" else "")
        assert "signature" in refused(headers=given | {name: altered})
        del given[name]
        assert name.lower() in refused(headers=given)
    version = headers(SECRET)
    version["Webhook-Signature"] = version["Webhook-Signature"].replace("v1", "v2")
    assert "signature" in refused(headers=version)


def test_what_is_old_or_ahead_is_refused() -> None:
    for minutes in (-6, 6):
        assert "clocks" in refused(headers=headers(SECRET, at=NOW + timedelta(minutes=minutes)))
    for minutes in (-5, 5):
        verify_webhook(SECRET, headers(SECRET, at=NOW + timedelta(minutes=minutes)), BODY, now=NOW)
    verify_webhook(SECRET, headers(SECRET, at=NOW), BODY, now=NOW + timedelta(hours=1), tolerance=timedelta(hours=2))
    assert "no time" in refused(headers=headers(SECRET) | {"Webhook-Timestamp": "soon"})


def test_what_is_no_secret_or_no_event_is_refused() -> None:
    for secret in ["", SECRET.removeprefix("whsec_"), "whsec_", "whsec_é", "whsec_AAAA", f"whsec_{SECRET}"]:
        assert "whsec_" in refused(secret=secret)
    for body in [b"[]", b"7", b"{}", b'{"id": "another"}']:
        assert "webhook-id" in refused(headers=headers(SECRET, body=body), body=body)
    assert "JSON" in refused(headers=headers(SECRET, body=b"{"), body=b"{")


def test_the_signature_in_the_server_s_own_test_is_the_library_s() -> None:
    source = Path(__file__).parents[3] / "server/node/src/webhooks/secrets.rs"
    signed = Webhook(SECRET).sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1_674_087_231, UTC), '{"test": 2432232314}'
    )
    assert f'"{signed}"' in source.read_text()
    code = hmac.digest(bytes([7] * 32), b'msg_p5jXN8AQM9LWM0D4loKWxJek.1674087231.{"test": 2432232314}', "sha256")
    assert signed == f"v1,{base64.b64encode(code).decode()}"
