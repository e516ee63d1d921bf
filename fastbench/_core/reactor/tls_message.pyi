from typing import Final

HOW_CLOSED: Final[int]
"""In an END's `late_ns`: the service closed the connection."""
OPEN: Final[int]
"""From the reactor: the TCP connection stands, begin the handshake."""
CIPHER: Final[int]
"""From the reactor: ciphertext arrived."""
SEAL: Final[int]
"""From the reactor: encrypt this request."""
GONE: Final[int]
"""From the reactor: the connection ended; what came before it is to be read first."""
CLOSED: Final[int]
"""From the reactor: it is done with the connection."""
WRITE: Final[int]
"""To the reactor: ciphertext of the handshake."""
READY: Final[int]
"""To the reactor: the handshake is done."""
REQUEST: Final[int]
"""To the reactor: a request as ciphertext."""
PLAIN: Final[int]
"""To the reactor: plaintext, with its ciphertext's stamps."""
END: Final[int]
"""To the reactor: all was read."""
FAILED: Final[int]
"""To the reactor: no secure connection; the data say why."""
