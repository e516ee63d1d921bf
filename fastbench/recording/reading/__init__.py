"""The reader: parts of a recording, mapped, as one."""
