from typing import Any

def inspect_body(body: bytes, dialect: str) -> dict[str, Any]:
    """What the mock understands of a body: its fields, or {"error": kind, "param": name, "offset": byte}.

    dialect: one of `styles.DIALECTS`."""
