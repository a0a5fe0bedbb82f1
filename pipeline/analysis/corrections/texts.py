"""Corrections of what is said, applied to utterances however they are cut."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np

from pipeline.analysis.corrections.editing import Edit, NewToken, edited, new_tokens
from pipeline.analysis.corrections.locating import Located, locate
from pipeline.analysis.corrections.tokens import SpokenToken, spoken_tokens, tokens_of
from schemas.corrections import Correction
from schemas.records import Utterance


def correct_texts(
    utterances: Sequence[Utterance], corrections: Sequence[Correction]
) -> tuple[list[Utterance], list[Correction]]:
    """Apply corrections of texts.

    The newest correction decides about its words, an older one about the rest of its own.

    Args:
        utterances: As recognised, in order of time.
        corrections: Corrections of texts, oldest first.

    Returns:
        The utterances, with the recognised values beside those that changed; and the corrections whose words are not
        spoken there.
    """
    if not corrections:
        return list(utterances), []
    spoken = spoken_tokens(utterances)
    texts = [each.text for each in utterances]
    middles_s = np.asarray([each.middle_s for each in spoken], np.float64)
    claimed: set[int] = set()
    edits: dict[int, list[Edit]] = defaultdict(list)
    unplaced = []
    for correction in reversed(corrections):
        found = locate(correction, spoken, texts, middles_s)
        if found is None:
            unplaced.append(correction)
            continue
        for first, last, new in _changes(correction, spoken, found):
            # Nothing changes within the words of a newer correction.
            around = (max(found.first, first - 1), min(found.last, first + 1)) if first == last else (first, last)
            taken = range(*around)
            if claimed.isdisjoint(taken):
                for utterance, edit in _by_utterance(spoken, first, last, new, found):
                    edits[utterance].append(edit)
        claimed.update(range(found.first, found.last))
    starts: dict[int, int] = {}
    for index, each in enumerate(spoken):
        starts.setdefault(each.utterance, index)
    corrected = [
        edited(each, [edit.moved(-starts[position]) for edit in edits[position]]) if position in edits else each
        for position, each in enumerate(utterances)
    ]
    return corrected, unplaced[::-1]


def _changes(
    correction: Correction, spoken: Sequence[SpokenToken], found: Located
) -> Iterator[tuple[int, int, list[NewToken]]]:
    """Yield which tokens are replaced by which others: the first, the one after the last, and the new ones."""
    before = [each.token.text for each in spoken[found.first : found.last]]
    after = new_tokens(correction.to_value or "")
    _keep_edges(correction, spoken, found, after)
    matcher = SequenceMatcher(None, before, [each.text for each in after], autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind != "equal":
            yield found.first + i1, found.first + i2, after[j1:j2]


def _keep_edges(correction: Correction, spoken: Sequence[SpokenToken], found: Located, after: list[NewToken]) -> None:
    """Keep case and marks where the corrected words start or end within a longer utterance and nobody changed them."""
    given = tokens_of(correction.from_value or "")
    if not given or not after:
        return
    first, last = found.first, found.last
    inside_start = first > 0 and spoken[first - 1].utterance == spoken[first].utterance
    inside_end = last < len(spoken) and spoken[last].utterance == spoken[last - 1].utterance
    for edge, inside, token in ((0, inside_start, spoken[first].token), (-1, inside_end, spoken[last - 1].token)):
        if inside and given[edge].text == after[edge].text and token.key == given[edge].key:
            after[edge] = NewToken(token.text, after[edge].spaced)


def _by_utterance(
    spoken: Sequence[SpokenToken], first: int, last: int, new: Sequence[NewToken], found: Located
) -> Iterable[tuple[int, Edit]]:
    """Return the edits of one change, which may reach over several utterances."""
    if first == last:
        # Added words belong to the words before them that were corrected with them, or else to those after.
        utterance = spoken[first - 1 if first > found.first else first].utterance
        return [(utterance, Edit(first, last, tuple(new)))]
    bounds = [first, *(i for i in range(first + 1, last) if spoken[i].utterance != spoken[i - 1].utterance), last]
    edits, taken = [], 0
    for start, end in pairwise(bounds):
        until = round(len(new) * (end - first) / (last - first))  # in proportion to what is replaced
        edits.append((spoken[start].utterance, Edit(start, end, tuple(new[taken:until]))))
        taken = until
    return edits
