"""The vector extension is tried where a crash hurts nobody."""

from callboard.project.postgres.vectors import passes_trial


def test_a_build_that_works_passes():
    assert passes_trial()


def test_a_build_that_crashes_the_server_does_not_pass():
    # What an instruction does that the processor does not know.
    crash = "create extension vector;\ncopy (select 1) to program 'kill -ILL $PPID';\nselect 'trial-0' as passed;\n"
    assert not passes_trial(crash)
