"""What becomes of texts that somebody else wrote."""

import pytest

from fastbench.text import excerpt

PAGE = "<!DOCTYPE html>\n<html><head><title>{}</title><style>p {{ color: red }}</style></head><body>{}</body></html>"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PAGE.format("502 Bad\n Gateway", "<h1>nginx</h1>"), "502 Bad Gateway"),
        (PAGE.format("", "<!-- hidden --><h1>No such</h1>\n<p>page"), "No such page"),
        ("<p>cut <b", "cut"),
        ('{"error":\n  "not here"}', '{"error": "not here"}'),
        ("x" * 200, "x" * 119 + "…"),
        (PAGE.format("y" * 200, ""), "y" * 119 + "…"),
        ("", ""),
    ],
)
def test_an_excerpt(text: str, told: str) -> None:
    """Of a page its title, else its first words are told, of any other text its beginning, on one line of 120
    characters at the most."""
    assert excerpt(text) == told


def test_a_longer_one_of_a_page() -> None:
    """Where more is wanted it is given of what a service says, but not of a page."""
    assert len(excerpt("x" * 500, 400)) == 400
    assert len(excerpt(f"<p>{'y' * 500}", 400)) == 120
