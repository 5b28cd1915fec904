"""Memory goes back to the system."""

from pathlib import Path

from callboard.lib.memory import give_back


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])


def test_what_a_piece_of_work_used_is_given_back():
    work = [str(number) * 4 for number in range(400_000)]
    keep = work[-1]
    used = resident()
    del work
    assert give_back()
    assert resident() < used - 2_000, keep
