"""What is answered, written natively: events and whole replies, errors, the metrics page."""
