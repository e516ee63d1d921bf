"""The compiled core: bytes to events to time stamps. Imports nothing of fastbench."""
