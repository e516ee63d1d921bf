class Log:
    """Finished requests that nobody has written yet; `event_fd` (an eventfd) tells when there are some."""

    event_fd: int
    def take(self) -> bytes:
        """The lines of all requests that finished since the last call, oldest first."""

    def close(self) -> None: ...
