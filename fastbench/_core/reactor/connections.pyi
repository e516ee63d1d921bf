from fastbench._core.counts.hdr import Hdr

class Connections:
    """The reactor's connections to one address, in clear or over TLS. Call `connect_to` before `run`."""

    lag: Hdr
    """`noticed - arrived` of each read that belongs to a request, ns."""
    tls: bool
    def connect_to(self, family: int, host: str, port: int, *, timeout_ns: int, tls: bool) -> None:
        """Sets the numeric address. Raises ValueError for anything else.

        tls: somebody must take messages (`parcel_fileno` is readable then) and give them back, see `tls_message.pyi`.
        """

    @property
    def open_connections(self) -> int:
        """Connections that stand, over TLS those whose handshake is done."""

    @property
    def connect_failures(self) -> int: ...
    def parcel_fileno(self) -> int: ...
    def take_parcels(self) -> list[tuple[int, tuple[int, int], int, int, bytes]]:
        """What the reactor wants of the TLS side: (kind, connection, stamp_ns, late_ns, data)."""

    def give_parcel(
        self, kind: int, key: tuple[int, int], data: bytes = b"", stamp_ns: int = 0, late_ns: int = 0
    ) -> None:
        """Hands the reactor a message for the connection `key`; one that it has closed meanwhile gets nothing."""

    def wake(self) -> None: ...
