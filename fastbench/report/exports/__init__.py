"""A recording's requests and token times as files for other tools."""
