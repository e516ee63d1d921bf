"""One worker's connections and the life of one request: Python's half of the two threads."""
