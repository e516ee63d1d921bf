"""Replies, written natively: events and whole replies, errors, the metrics page."""
