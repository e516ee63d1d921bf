"""The TLS side of a reactor's connections: it has the keys, the reactor has the sockets and the stamps.

Ciphertext comes from the reactor with the stamp of its read; the plaintext goes back with that stamp. So however
late the decryption is, the time stamp is the arrival of the bytes that carried it.
"""

import ssl
from typing import NamedTuple

from fastbench._core.reactor import Reactor, tls_message
from fastbench.config.services import ServiceConfig, tls_context
from fastbench.dialects import Endpoint

_ROOM = 1 << 18


def tls_words(error: ssl.SSLError) -> str:
    """OpenSSL's reason, a constant such as WRONG_VERSION_NUMBER, in words."""
    return str(error.reason or error).replace("_", " ").lower()


class TlsSettings(NamedTuple):
    """How the service's certificate is checked, and the name it must have."""

    context: ssl.SSLContext
    server_name: str


def tls_of(service: ServiceConfig, endpoint: Endpoint) -> TlsSettings | None:
    """The TLS settings of the service; None = not encrypted. Raises ConfigError for a file that cannot be used."""
    return TlsSettings(tls_context(service), endpoint.host) if endpoint.tls else None


class _Session:
    """One connection's TLS state. Its methods return nothing; what comes out is given to the reactor."""

    def __init__(self, reactor: Reactor, key: tuple[int, int], settings: TlsSettings) -> None:
        self._reactor = reactor
        self._key = key
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._ready = False
        self._tls = settings.context.wrap_bio(self._in, self._out, server_hostname=settings.server_name)

    def greet(self) -> None:
        """Takes the handshake as far as it goes."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush(tls_message.WRITE)
            return
        except ssl.SSLError as error:
            self._flush(tls_message.WRITE)
            self._fail(error)
            return
        self._ready = True
        self._flush(tls_message.WRITE)
        self._reactor.give_parcel(tls_message.READY, self._key)

    def open(self, data: bytes, stamp_ns: int, late_ns: int) -> None:
        """Ciphertext arrived."""
        self._in.write(data)
        if not self._ready:
            self.greet()
        if self._ready:
            self._read(stamp_ns, late_ns)

    def seal(self, data: bytes) -> None:
        """A request wants to be sent."""
        try:
            self._tls.write(data)
        except ssl.SSLError as error:  # the session broke before the reactor knew of it
            self._fail(error)
            return
        self._flush(tls_message.REQUEST)

    def end(self, how: int) -> None:
        """The connection ended; all that came before has been read."""
        if self._ready:
            self._reactor.give_parcel(tls_message.END, self._key, late_ns=how)
        else:
            self._give_failure("TLS: the service closed the connection during the handshake")

    def _read(self, stamp_ns: int, late_ns: int) -> None:
        pieces: list[bytes] = []
        ended = False
        broken: ssl.SSLError | None = None
        try:
            while piece := self._tls.read(_ROOM):
                pieces.append(piece)
            ended = True
        except ssl.SSLWantReadError:
            pass  # the usual end: all complete records were read
        except ssl.SSLZeroReturnError:
            ended = True
        except ssl.SSLError as error:
            broken = error
        if pieces:
            self._reactor.give_parcel(tls_message.PLAIN, self._key, b"".join(pieces), stamp_ns, late_ns)
        self._flush(tls_message.WRITE)
        if broken is not None:
            self._fail(broken)
        elif ended:
            self.end(tls_message.HOW_CLOSED)

    def _flush(self, kind: int) -> None:
        if data := self._out.read():
            self._reactor.give_parcel(kind, self._key, data)

    def _fail(self, error: ssl.SSLError) -> None:
        self._give_failure(f"TLS: {getattr(error, 'verify_message', None) or tls_words(error)}")

    def _give_failure(self, reason: str) -> None:
        self._reactor.give_parcel(tls_message.FAILED, self._key, reason.encode(), late_ns=tls_message.HOW_CLOSED)


class TlsSide:
    """Serves the TLS messages of one reactor, from the event loop's thread."""

    def __init__(self, reactor: Reactor, settings: TlsSettings) -> None:
        self._reactor = reactor
        self._settings = settings
        self._sessions: dict[tuple[int, int], _Session] = {}

    def serve(self) -> None:
        """Serves all messages of the reactor."""
        for kind, key, stamp_ns, late_ns, data in self._reactor.take_parcels():
            if kind == tls_message.OPEN:
                self._open(key)
            elif kind == tls_message.CLOSED:
                self._sessions.pop(key, None)
            elif key not in self._sessions:
                pass  # it never began; the reactor knows
            elif kind == tls_message.CIPHER:
                self._sessions[key].open(data, stamp_ns, late_ns)
            elif kind == tls_message.SEAL:
                self._sessions[key].seal(data)
            elif kind == tls_message.GONE:
                self._sessions[key].end(late_ns)

    def _open(self, key: tuple[int, int]) -> None:
        try:
            session = _Session(self._reactor, key, self._settings)
        except ValueError as error:  # a server name that cannot be in a certificate
            self._reactor.give_parcel(tls_message.FAILED, key, f"TLS: {error}".encode())
            return
        self._sessions[key] = session
        session.greet()
