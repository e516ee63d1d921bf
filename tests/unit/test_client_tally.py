"""What a run itself wants to know of its requests."""

from replies import DONE, delta, document, read, stream, usage

from fastbench._core.ring import Batch
from fastbench.client.tally import OutcomeTally

GOOD = read(stream(delta("a", "stop"), DONE)).batch
TOLD = read(stream(delta("a", "stop"), usage(3, 1), DONE)).batch
BUSY = read(document(b"too busy", "text/plain", status="503 Busy")).batch
CUT = read(stream(delta("a"), last=b"")).batch


def seen(*batches: Batch) -> OutcomeTally:
    found = OutcomeTally()
    for batch in batches:
        found.add(batch)
    return found


def test_nothing_seen() -> None:
    """Before the first batch there is neither a success nor a failure."""
    found = seen()
    assert (found.requests, found.ok, found.reported_tokens, found.outcome, found.status) == (0, 0, False, "", 0)


def test_successes_are_counted() -> None:
    """Each request counts, and each that is ok counts as such."""
    found = seen(GOOD, CUT, GOOD)
    assert (found.requests, found.ok) == (3, 2)


def test_the_last_failure_is_kept() -> None:
    """Outcome, status and message are those of the last request that failed, whatever came after it."""
    found = seen(CUT, BUSY, GOOD)
    assert (found.outcome, found.status, found.message) == ("http_error", 503, b"too busy")
    assert seen(BUSY, CUT).outcome == "truncated"


def test_told_tokens_are_the_services() -> None:
    """It tells its tokens when it gave the count itself in each reply that is ok."""
    assert not seen(GOOD, CUT).reported_tokens
    assert not seen(CUT).reported_tokens
    assert seen(TOLD, CUT, TOLD).reported_tokens
    assert not seen(GOOD, TOLD, GOOD).reported_tokens


def test_a_text_is_no_failure() -> None:
    """The note that holds a reply's text is not taken for the reason of a failure."""
    kept = read(stream(delta("words", "stop"), DONE), keep_text=True).batch
    assert kept.notes
    assert (seen(kept).outcome, seen(kept).message) == ("", b"")


def test_it_looks_on_the_way() -> None:
    """A sink behind it gets the very same batch."""
    found, passed = OutcomeTally(), []
    found.tap(passed.append)(GOOD)
    assert passed == [GOOD]
    assert found.ok == 1
