from typing import Any

def inspect_body(body: bytes, chat: bool) -> dict[str, Any]:
    """What the mock understands of a body: its fields, or {"error": kind, "param": name, "offset": byte}."""
