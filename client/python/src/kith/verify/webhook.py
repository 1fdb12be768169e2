"""Webhooks: that a request comes from the server that has the secret, and says what it was sent with.

Standard Webhooks (github.com/standard-webhooks/standard-webhooks), as `kith webhook` describes.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kith.errors import NotVerified

_PREFIX = "whsec_"
_SECRET_BYTES = 32
_VERSION = "v1"
_SECONDS = re.compile(r"[0-9]{1,12}")
_TOLERANCE = timedelta(minutes=5)


def verify_webhook(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime | None = None,
    tolerance: timedelta = _TOLERANCE,
) -> dict[str, Any]:
    """Checks a request of a webhook; returns the CloudEvent in it.

    Raises `NotVerified`, which a receiver answers with 400. `secret` is what `kith webhook add` printed (`whsec_...`),
    `headers` are the request's, in capitals or not, and `body` is its body as it arrived: what was parsed and written
    again has other bytes. `now` is the time, aware, and by default that of this machine. The same event may come again:
    `event["id"]` is its id, and the same each time.
    """
    key = _key(secret)
    event, at, signatures = (
        _header(headers, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if not _SECONDS.fullmatch(at):
        raise NotVerified("webhook-timestamp is no time")
    age = (now or datetime.now(UTC)) - datetime.fromtimestamp(int(at), UTC)
    if abs(age) > tolerance:
        raise NotVerified("the request was made too long ago, or lies ahead: compare the clocks")
    signed = b".".join((event.encode(), at.encode(), body))
    code = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    given = [signature.partition(",") for signature in signatures.split(" ")]
    # Each of them is compared, in the time that this takes for all.
    right = [version == _VERSION and hmac.compare_digest(one.encode(), code.encode()) for version, _, one in given]
    if not any(right):
        raise NotVerified("the signature is not the secret's: it is another secret, or the request was changed")
    return _event(body, event)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or len(key) != _SECRET_BYTES:
        raise NotVerified("the secret is none of a webhook: those begin with whsec_")
    return key


def _header(headers: Mapping[str, str], name: str) -> str:
    for given, value in headers.items():
        if given.lower() == name:
            return value
    raise NotVerified(f"the request has no {name}")


def _event(body: bytes, event: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise NotVerified("the body is no JSON") from error
    if not isinstance(found, dict) or found.get("id") != event:
        raise NotVerified("the body is not the event that webhook-id names")
    return found
