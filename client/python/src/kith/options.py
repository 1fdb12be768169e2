"""Where to connect, as whom, how long to wait and how often to try."""

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from kith.errors import OptionsInvalid

_PORTS = {"http": 80, "https": 443}
_EXAMPLE = "http://127.0.0.1:7420"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds."""

    call: float = 30.0
    """For the answer to each attempt of a call."""
    silence: float = 60.0
    """For the next message of a stream; servers send heartbeats more often than that."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to try: delays double from the first to the longest, each shortened at random by up to half."""

    attempts_max: int = 7
    """Consecutive attempts, including the first. Following and watching retry for ever."""
    delay_first: float = 0.05
    """Seconds after the first attempt."""
    delay_max: float = 2.0
    """The longest delay, unless the server asks for a longer one."""


@dataclass(frozen=True, slots=True)
class Options:
    """A connection's options, checked."""

    target: str
    """Host and port."""
    network: str
    token: str | None = field(repr=False)
    certificates: bytes | None
    """Authorities to trust, in PEM, for TLS; the platform's if empty; `None` without TLS."""
    identity: tuple[bytes, bytes] | None = field(repr=False)
    """The key and the certificate, in PEM, to show to a server that asks for one."""
    timeouts: Timeouts
    retry: Retry


def options(
    server: str,
    network: str,
    token: str | None,
    token_file: str | os.PathLike[str] | None,
    ca_file: str | os.PathLike[str] | None,
    client_cert_file: str | os.PathLike[str] | None,
    client_key_file: str | os.PathLike[str] | None,
    allow_plaintext: bool,
    timeouts: Timeouts,
    retry: Retry,
) -> Options:
    """Checks options; raises `OptionsInvalid`, in whose message no secret stands."""
    host, port, is_secure = _address(server)
    if token is not None and token_file is not None:
        raise OptionsInvalid("token and token_file both say who calls: give one of them")
    secret = token if token_file is None else _read(token_file).decode(errors="replace").strip()
    if secret is not None and not re.fullmatch(r"[\x21-\x7e]+", secret):
        raise OptionsInvalid("the token is one word of ASCII characters: this is none")
    for name, file in {"ca_file": ca_file, "client_cert_file": client_cert_file}.items():
        if file is not None and not is_secure:
            raise OptionsInvalid(f"{name} is for https:// only")
    if not (is_secure or allow_plaintext or secret is None or _is_loopback(host)):
        raise OptionsInvalid(
            f"the token is not sent to {host} in plain, where everybody in between can read it: use https://, or "
            "allow_plaintext=True if the network in between is trusted"
        )
    certificates = None if not is_secure else b"" if ca_file is None else _read(ca_file)
    identity = _identity(client_cert_file, client_key_file)
    shown = f"[{host}]" if ":" in host else host
    return Options(f"{shown}:{port}", network, secret, certificates, identity, timeouts, retry)


def _identity(
    cert_file: str | os.PathLike[str] | None, key_file: str | os.PathLike[str] | None
) -> tuple[bytes, bytes] | None:
    if cert_file is None and key_file is None:
        return None
    if cert_file is None or key_file is None:
        raise OptionsInvalid("client_cert_file and client_key_file belong together: give both")
    return _read(key_file), _read(cert_file)


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine. Other names are not looked up, because whoever answers could lie."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _address(server: str) -> tuple[str, int, bool]:
    """Host and port of a server's address, and whether it is reached by TLS; `http://` may be left out."""
    try:
        parts = urlsplit(server if "://" in server else f"http://{server}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _invalid("this is none") from error
    if parts.scheme not in _PORTS:
        raise _invalid("leave out the scheme, or use http or https")
    if parts.username is not None or parts.password is not None:
        raise _invalid("leave out the user and password: a token says who you are")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _invalid("leave out what follows them")
    if not host or not re.fullmatch(r"[A-Za-z0-9._:%-]+", host) or port == 0:
        raise _invalid("this one has no valid host and port")
    return host, port or _PORTS[parts.scheme], parts.scheme == "https"


def _read(file: str | os.PathLike[str]) -> bytes:
    try:
        return Path(file).expanduser().read_bytes()
    except OSError as error:
        raise OptionsInvalid(f"{file} cannot be read: {error.strerror}") from error


def _invalid(what: str) -> OptionsInvalid:
    """The text itself is never shown, because it may contain a password."""
    return OptionsInvalid(f"a server's address is a host and a port, such as {_EXAMPLE}: {what}")
