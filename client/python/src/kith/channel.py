"""What both clients tell gRPC: the options of a channel, who calls, and what its failures are."""

from importlib.metadata import version
from typing import Any

import grpc

from kith.errors import Error, OptionsInvalid, TimedOut, Unreachable
from kith.options import Options
from kith.status import error_of

_MESSAGE_BYTES_MAX = 64 * 1024 * 1024
_STATUS_DETAILS = "grpc-status-details-bin"
_BROKEN = ("Received RST_STREAM", "Stream removed", "Channel closed", "No status received")
"""What gRPC says, under one of these codes (cancelled, unknown, internal), of a stream that ended without a status."""
_LOCAL_CODES = (1, 2, 13)


def channel_options(options: Options) -> list[tuple[str, Any]]:
    """Options of a channel.

    A channel shares its connection with no other, so that streams do not take the places of calls; and it connects
    again at once, where gRPC would wait a second and then up to two minutes.
    """
    return [
        ("grpc.primary_user_agent", f"kith-python/{version('kith-client')}"),
        ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.min_reconnect_backoff_ms", 5_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.enable_retries", 0),
        ("grpc.enable_http_proxy", 0 if options.certificates is None else 1),
    ]


def credentials(options: Options) -> grpc.ChannelCredentials | None:
    """Whom to trust and what to show over TLS; `None` without it."""
    if options.certificates is None:
        return None
    key, certificate = options.identity or (None, None)
    return grpc.ssl_channel_credentials(options.certificates or None, key, certificate)


def metadata(options: Options) -> tuple[tuple[str, str], ...]:
    """Who calls."""
    return () if options.token is None else (("authorization", f"Bearer {options.token}"),)


def error_of_rpc(error: Any) -> Error:
    """The error that a failed call stands for."""
    details = b""
    for key, value in error.trailing_metadata() or ():
        if key == _STATUS_DETAILS:
            details = value
    code, text = error.code().value[0], error.details() or ""
    if not details and code in _LOCAL_CODES and text.startswith(_BROKEN):
        return Unreachable(f"the connection to the server broke: {text}", code=code)
    return error_of(code, text, details)


def silent(seconds: float) -> TimedOut:
    """A stream that says nothing for so long counts as broken."""
    return TimedOut(f"no answer within {seconds:g} s")


def closed() -> OptionsInvalid:
    """A call after the client was closed."""
    return OptionsInvalid("the client is closed")
