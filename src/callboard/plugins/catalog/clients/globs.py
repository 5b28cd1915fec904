"""Match paths against patterns in bounded time, because anybody may write a pattern in a catalog file.

`*` and `?` stay inside one segment, `**` spans segments, `{a,b}` lists alternatives, `[a-z]` and `[!a]` are
classes. As in shells, a wildcard does not match a leading dot.
"""

from dataclasses import dataclass
from functools import lru_cache

_MAX_ALTERNATIVES = 100
_MAX_LENGTH = 2000
_SPECIAL = frozenset("*?[{")


class GlobError(ValueError):
    """A pattern that is too long or has too many alternatives."""


def has_magic(text: str) -> bool:
    """Tell whether a text has any wildcard."""
    return any(char in _SPECIAL for char in text)


def static_prefix(pattern: str) -> str:
    """Give the folders before the first wildcard, to know where to start looking."""
    parts = pattern.split("/")
    keep: list[str] = []
    for part in parts[:-1]:
        if has_magic(part):
            break
        keep.append(part)
    return "/".join(keep)


@lru_cache(maxsize=256)
def compile_glob(pattern: str) -> "Glob":
    """Prepare a pattern; raises GlobError when it is out of all measure."""
    if len(pattern) > _MAX_LENGTH:
        raise GlobError(f"the pattern is longer than {_MAX_LENGTH} characters")
    alternatives = _expand(pattern)
    return Glob(tuple(tuple(part for part in one.split("/") if part not in ("", ".")) for one in alternatives))


@dataclass(frozen=True, slots=True)
class Glob:
    """A prepared pattern: for each alternative, its segments."""

    alternatives: tuple[tuple[str, ...], ...]

    def matches(self, path: str) -> bool:
        """Tell whether a slash-separated relative path matches as a whole."""
        parts = tuple(part for part in path.split("/") if part)
        return any(_match_segments(segments, parts, whole=True) for segments in self.alternatives)

    def may_hold(self, directory: str) -> bool:
        """Tell whether anything below a directory could match, so that the rest need not be walked."""
        parts = tuple(part for part in directory.split("/") if part)
        return any(_match_segments(segments, parts, whole=False) for segments in self.alternatives)


def _expand(pattern: str) -> list[str]:
    """Write out `{a,b}`; a brace without a comma or an end is an ordinary character."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        text = waiting.pop(0)
        found = _first_braces(text)
        if found is None:
            done.append(text)
        else:
            start, end, options = found
            waiting.extend(text[:start] + option + text[end:] for option in options)
        if len(done) + len(waiting) > _MAX_ALTERNATIVES:
            raise GlobError(f"the pattern has more than {_MAX_ALTERNATIVES} alternatives")
    return done


def _first_braces(text: str) -> tuple[int, int, list[str]] | None:
    # The innermost braces that open first are written out first; nested ones follow in later rounds.
    start = -1
    for index, char in enumerate(text):
        if char == "{":
            start = index
        elif char == "}" and start >= 0:
            options = text[start + 1 : index].split(",")
            if len(options) > 1:
                return start, index + 1, options
            start = -1
    return None


def _match_segments(segments: tuple[str, ...], parts: tuple[str, ...], *, whole: bool) -> bool:
    # States are the positions in the pattern reached so far, so the time is at most segments x parts.
    states = _skip_globstars(segments, {0})
    for part in parts:
        reached: set[int] = set()
        for state in states:
            if state == len(segments):
                continue
            if segments[state] == "**":
                if not part.startswith("."):
                    reached.add(state)
            elif match_segment(segments[state], part):
                reached.add(state + 1)
        states = _skip_globstars(segments, reached)
        if not states:
            return False
    if whole:
        return len(segments) in states
    return any(state < len(segments) for state in states)


def _skip_globstars(segments: tuple[str, ...], states: set[int]) -> set[int]:
    result = set(states)
    for state in states:
        position = state
        while position < len(segments) and segments[position] == "**":
            position += 1
            result.add(position)
    return result


@lru_cache(maxsize=1024)
def _pieces(segment: str) -> tuple[str, ...]:
    pieces: list[str] = []
    index = 0
    while index < len(segment):
        char = segment[index]
        if char == "[":
            end = segment.find("]", index + 2)
            if end > 0:
                pieces.append(segment[index : end + 1])
                index = end + 1
                continue
        if not (char == "*" and pieces and pieces[-1] == "*"):
            # A lone "[" stays one character and so never looks like a class.
            pieces.append(char)
        index += 1
    return tuple(pieces)


def match_segment(segment: str, text: str) -> bool:
    """Match one path segment, remembering only the last `*`, so that no pattern can take exponential time."""
    if text.startswith(".") and segment[:1] in ("*", "?", "["):
        return False
    pieces = _pieces(segment)
    position = at = 0
    star = mark = -1
    while at < len(text):
        if position < len(pieces) and pieces[position] == "*":
            star, mark = position, at
            position += 1
        elif position < len(pieces) and _match_char(pieces[position], text[at]):
            position += 1
            at += 1
        elif star >= 0:
            mark += 1
            position, at = star + 1, mark
        else:
            return False
    return all(piece == "*" for piece in pieces[position:])


def _match_char(piece: str, char: str) -> bool:
    if piece == "?":
        return True
    if len(piece) == 1:
        return piece == char
    body = piece[1:-1]
    negated = body[:1] in ("!", "^")
    body = body[1:] if negated else body
    hit = False
    index = 0
    while index < len(body):
        if index + 2 < len(body) and body[index + 1] == "-":
            hit = hit or body[index] <= char <= body[index + 2]
            index += 3
        else:
            hit = hit or body[index] == char
            index += 1
    return hit != negated
