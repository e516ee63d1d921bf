"""How services speak: a sample → the bytes of a request; which JSON paths of a reply mean what."""
