"""The charts of request rates: as planned before a run, as sent after it."""
