"""Where the members of a JSON object stand in its text, so that some can be replaced and the rest stays as it is."""

from fastbench._core.splice.object_members import members

__all__ = ["members"]
