"""Where to connect and as whom: what is accepted, and that no secret is shown."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import kith
from kith import OptionsInvalid, Retry, Timeouts
from kith.options import Options, options
from kith.steps import Backoff
from kith.wire import message
from tests import both
from tests.fixtures import failure
from tests.scripted import Scripted


def read(server: str, **given: Any) -> Options:
    files = dict.fromkeys(("token_file", "ca_file", "client_cert_file", "client_key_file"))
    defaults: dict[str, Any] = {"network": "default", "token": None, **files, "allow_plaintext": False}
    return options(server, **{**defaults, "timeouts": Timeouts(), "retry": Retry(), **given})


@pytest.mark.parametrize(
    ("server", "target", "is_secure"),
    [
        ("http://127.0.0.1:7420", "127.0.0.1:7420", False),
        ("127.0.0.1:7420", "127.0.0.1:7420", False),
        ("HTTP://Kith.Example/", "kith.example:80", False),
        ("https://kith.example", "kith.example:443", True),
        ("http://[::1]:7420", "[::1]:7420", False),
        ("localhost", "localhost:80", False),
    ],
)
def test_addresses(server: str, target: str, is_secure: bool) -> None:
    found = read(server)
    assert (found.target, found.certificates is not None) == (target, is_secure)


@pytest.mark.parametrize(
    "server",
    [
        "",
        "http://",
        "ftp://kith.example",
        "http://user:password@kith.example",
        "http://kith.example/password",
        "http://kith.example?password",
        "http://kith.example#password",
        "http://kith.example:password",
        "http://kith.example:99999",
        "http://kith.example:0",
        "http://[::1",
        "http://a b",
    ],
)
def test_what_is_no_address_is_refused_and_not_shown(server: str) -> None:
    with pytest.raises(OptionsInvalid, match="a server's address is a host and a port") as raised:
        kith.connect(server)
    assert "password" not in str(raised.value).replace("leave out the user and password", "")


def test_tokens_are_read_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("kith_secret\n")
    found = read("localhost", token_file=file)
    assert found.token == "kith_secret"
    assert "kith_secret" not in repr(found)
    assert read("localhost").token is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"token": "two\nlines"}, "one word of ASCII"),
        ({"token": ""}, "one word of ASCII"),
        ({"token": "schlüssel"}, "one word of ASCII"),
        ({"token": "a", "token_file": "b"}, "give one of them"),
        ({"token_file": "/nowhere/at/all"}, "cannot be read"),
        ({"ca_file": "/nowhere/at/all"}, "for https:// only"),
        ({"client_cert_file": "/nowhere", "client_key_file": "/nowhere"}, "for https:// only"),
        ({"client_key_file": "/nowhere"}, "belong together"),
    ],
)
def test_options_that_say_nothing_certain_are_refused(given: dict[str, Any], message: str) -> None:
    error = failure(lambda: kith.connect("http://localhost:1", **given))
    assert (error.kind, error.had_no_effect, error.is_retryable) == ("options_invalid", True, False)
    assert message in str(error)
    assert "schl" not in str(error)


@pytest.mark.parametrize(
    "server", ["127.0.0.1:1", "http://127.8.9.1", "http://[::1]:1", "[::ffff:127.0.0.1]", "localhost"]
)
def test_a_token_is_sent_in_plain_to_this_machine(server: str) -> None:
    assert read(server, token="x").token == "x"


@pytest.mark.parametrize("server", ["kith.example", "http://10.0.0.7:7420", "http://[::]:1", "localhost.example"])
def test_a_token_is_not_sent_in_plain_to_another_machine(server: str) -> None:
    error = failure(lambda: kith.connect(server, token="kith_secret"))
    assert error.kind == "options_invalid"
    assert "https://" in str(error)
    assert "allow_plaintext" in str(error)
    assert "kith_secret" not in str(error)
    assert read(server, token="x", allow_plaintext=True).token == "x"
    assert read(server).token is None


def test_delays_double_up_to_the_longest_and_are_shortened_by_up_to_half() -> None:
    for _ in range(50):
        backoff = Backoff(Retry())
        for longest in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0):
            assert longest / 2 <= backoff.delay(None) <= longest
        assert 10.0 <= backoff.delay(10.0) <= 15.0
        for _ in range(100):
            backoff.delay(None)
        assert backoff.is_spent
        backoff.reset()
        assert not backoff.is_spent
        assert backoff.delay(None) <= 0.05


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, bytes]:
    """A certificate of localhost that nobody else trusts, as a file and with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    file.write_bytes(pem)
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return file, pem, own


@pytest.fixture(scope="module")
def secure(certificate: tuple[Path, bytes, bytes]) -> Iterator[Scripted]:
    """A server behind TLS."""
    _, pem, key = certificate
    server = Scripted(grpc.ssl_server_credentials([(key, pem)]))
    server.answers = [message("HeadResponse")(position=7).SerializeToString()]
    yield server
    server.stop()


def test_https_is_tls_and_only_with_an_authority_that_is_trusted(
    which: str, secure: Scripted, certificate: tuple[Path, bytes, bytes]
) -> None:
    trusting = both.connect(which, secure.url, token="x", ca_file=certificate[0])
    assert trusting.head().position == 7
    trusting.close()
    once = Retry(attempts_max=1)
    doubting = both.connect(which, secure.url, token="x", retry=once)
    assert failure(doubting.head).kind == "unreachable"
    doubting.close()
    plain = both.connect(which, secure.url.replace("https", "http"), token="x", retry=once)
    assert failure(plain.head).kind == "unreachable"
    plain.close()


def test_a_certificate_is_shown_to_a_server_that_asks_for_one(
    which: str, certificate: tuple[Path, bytes, bytes], tmp_path: Path
) -> None:
    file, pem, key = certificate
    key_file = tmp_path / "client.key"
    key_file.write_bytes(key)
    asking = Scripted(grpc.ssl_server_credentials([(key, pem)], pem, require_client_auth=True))
    asking.answers = [message("HeadResponse")(position=7).SerializeToString()]
    identity = {"client_cert_file": file, "client_key_file": key_file}
    known = both.connect(which, asking.url, token="x", ca_file=file, **identity)
    assert known.head().position == 7
    known.close()
    unknown = both.connect(which, asking.url, token="x", ca_file=file, retry=Retry(attempts_max=1))
    assert failure(unknown.head).kind == "unreachable"
    unknown.close()
    asking.stop()
