"""What is kept lately: only so many, and the oldest goes first."""

from registry.recent import Recent


def test_only_so_many_are_kept() -> None:
    """The one that was kept longest ago goes; keeping it again makes it the newest."""
    recent: Recent[int, str] = Recent(2)
    for number in (0, 1, 2):
        recent[number] = str(number)
    assert [recent.get(number) for number in (0, 1, 2)] == [None, "1", "2"]
    recent[1] = "again"
    recent[3] = "3"
    assert dict(recent) == {1: "again", 3: "3"}
