def members(text: bytes, start: int = 0, end: int = -1) -> list[tuple[str, int, int, int]] | None:
    """The members of the JSON object that `text[start:end]` holds, with nothing but white space around it: (name, where
    it begins, where its value begins, where that ends), places in `text`. end: -1 = the text's.

    Values are not decoded, nor is it looked at whether they are JSON all through. None = there is no object.
    """
