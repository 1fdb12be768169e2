"""A server below gRPC: it takes connections and sends bytes, whatever they mean."""

import socket
import threading

HEADERS = 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame of HTTP/2 (RFC 9113, section 4.1)."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


SETTINGS = frame(4, 0, 0)


def reset(code: int) -> bytes:
    """An answer to the first call of a connection: its stream is reset."""
    return SETTINGS + frame(3, 0, 1, code.to_bytes(4))


def headers(block: bytes, flags: int = 0b101) -> bytes:
    """An answer to the first call that has these headers and, unless the flags say otherwise, ends with them."""
    return SETTINGS + frame(HEADERS, flags, 1, block)


def has_call(heard: bytes) -> bool:
    """Whether a client has opened a stream."""
    at = len(PREFACE)
    while len(heard) >= at + 9:
        if heard[at + 3] == HEADERS:
            return True
        at += 9 + int.from_bytes(heard[at : at + 3])
    return False


class Raw:
    """The server. It answers each connection's first call with `answer` and, if `closes`, ends the connection."""

    def __init__(self) -> None:
        self.answer = b""
        self.closes = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._answer(connection)
            except OSError:
                return

    def _answer(self, connection: socket.socket) -> None:
        if self.answer.startswith(SETTINGS):
            # Settings first: a client makes no call before it has them.
            connection.sendall(SETTINGS)
            heard = b""
            while not has_call(heard):
                heard += connection.recv(65_536)
            connection.sendall(self.answer.removeprefix(SETTINGS))
        else:
            connection.recv(65_536)
            connection.sendall(self.answer)
        while not self.closes and connection.recv(65_536):
            pass
