"""Find the word somebody probably meant, for "did you mean" in messages."""

from collections.abc import Iterable
from difflib import SequenceMatcher

# Comparing is quadratic in length; nobody mistypes a longer word on purpose.
_MAX_LENGTH = 100
_MAX_CANDIDATES = 5000


def nearest(word: str, candidates: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Answer the candidate most like ``word`` (case does not count), or ``None`` if none is like it."""
    if not word or len(word) > _MAX_LENGTH:
        return None
    lowered = word.lower()
    best: str | None = None
    best_score = cutoff
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(lowered)
    for index, candidate in enumerate(candidates):
        if index >= _MAX_CANDIDATES:
            break
        if candidate.lower() == lowered:
            return candidate
        if len(candidate) > _MAX_LENGTH:
            continue
        matcher.set_seq1(candidate.lower())
        if matcher.real_quick_ratio() < best_score or matcher.quick_ratio() < best_score:
            continue
        score = matcher.ratio()
        if score > best_score or (score == best_score and best is None):
            best, best_score = candidate, score
    return best


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Answer a sentence to append to a remedy, or nothing."""
    found = nearest(word, candidates)
    return f'Did you mean "{found}"?' if found else ""
