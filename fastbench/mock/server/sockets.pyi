class Sockets:
    """What the event loop waits for. listeners: fds of listening sockets that do not block."""

    def __init__(self, listeners: list[int], stop_fd: int) -> None: ...
