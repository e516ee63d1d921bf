"""The native loop: connections, the engine that makes tokens, the log."""
