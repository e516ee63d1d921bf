"""The recording: how it looks on disk, its writer and its reader. See `docs/recording-format.md`."""
