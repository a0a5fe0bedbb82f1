"""Merge the occurrences of names in one video into entities. When in doubt, two names stay two."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.analysis.entities.dates import iso_date
from pipeline.analysis.entities.forms import FEMALE_TITLES, MALE_TITLES, normal_form, person_tokens, without_title
from pipeline.analysis.gazetteer import Gazetteer, KnownName
from schemas.entities import ENTITY_KINDS, EntityKind
from schemas.records import Entity, Occurrence

_VOTES = {"speech": 2, "subtitle": 2, "screen": 1}
"""A recogniser knows the kind of a name better within a sentence than in a line of a slide."""
_SUFFIXES = frozenset({"university", "college", "inc", "ltd", "corp", "corporation", "company", "group"})
_MIN_PROBABILITY = 0.5
"""A name that is said only once, with a less certain word, is doubtful."""
_CERTAIN = 1000
"""Votes of the gazetteer."""


@dataclass(frozen=True, slots=True)
class FoundName:
    """A name as a recogniser found it."""

    name: str
    """In the case that it would have in a sentence."""
    kind: EntityKind
    occurrence: Occurrence
    from_gazetteer: bool = False
    probability: float = 1.0
    """Of the least certain of its words, by the speech recogniser; 1 for what was written or corrected."""


def merged(names: Sequence[FoundName], gazetteer: Gazetteer) -> tuple[Entity, ...]:
    """Return the entities of a video, in order of their first occurrence.

    Names that differ only in case, article, possessive ending or a person's title are one. A family name belongs to the
    only person with this name; "Mrs Smith" does not belong to "John Smith". Spellings of one name in the gazetteer
    are one.

    Args:
        names: All occurrences.
        gazetteer: Names that the user knows.
    """
    groups = _of_one_kind(names)
    groups = _with_suffixes(_with_full_names(groups))
    found = [_entity(kind, normal, group, gazetteer) for (kind, normal), group in groups.items()]
    entities = _joined_by_gazetteer(found)
    entities.sort(key=lambda each: (each.occurrences[0].start_s, ENTITY_KINDS.index(each.kind), each.normal))
    return tuple(replace(entity, index=index) for index, entity in enumerate(entities))


_Groups = dict[tuple[EntityKind, str], list[FoundName]]


def _of_one_kind(names: Sequence[FoundName]) -> _Groups:
    """Group names by their normal form. Of the kinds that were found for a name, the most frequent one holds."""
    by_normal: dict[str, list[FoundName]] = defaultdict(list)
    groups: _Groups = defaultdict(list)
    for each in names:
        if each.kind == "date":
            groups["date", iso_date(each.name) or " ".join(each.name.casefold().split())].append(each)
        else:
            # Titles only count for people, and the kind is not certain yet.
            by_normal[normal_form(each.name, "person")].append(each)
    for same in by_normal.values():
        votes: Counter[EntityKind] = Counter()
        for each in same:
            votes[each.kind] += _CERTAIN if each.from_gazetteer else _VOTES[each.occurrence.source]
        kind = max(ENTITY_KINDS, key=lambda each: votes[each])
        titles = {without_title(each.name)[0] for each in same} if kind == "person" else set()
        couple = bool(titles & FEMALE_TITLES) and bool(titles & MALE_TITLES)
        for each in same:
            title, normal = without_title(each.name)[0], normal_form(each.name, kind)
            # Mr Smith and Mrs Smith are two people.
            groups[kind, f"{title} {normal}" if couple and title in FEMALE_TITLES else normal].append(each)
    return groups


def _with_full_names(groups: _Groups) -> _Groups:
    """Move what is said of a person by one name alone to the only person in the video with that name."""
    people = {normal: person_tokens(normal) for kind, normal in groups if kind == "person"}
    full = {normal: tokens for normal, tokens in people.items() if len(tokens) > 1 and tokens[0] not in FEMALE_TITLES}
    # A short name begins with the first or the last word of the full one. Hours of speech name thousands of people.
    by_word: dict[str, list[str]] = defaultdict(list)
    for normal, tokens in full.items():
        for word in dict.fromkeys((tokens[0], tokens[-1])):
            by_word[word].append(normal)
    others = {normal for kind, normal in groups if kind != "person"}
    merged_into: dict[str, str] = {}
    for normal, tokens in people.items():
        likely = by_word.get(tokens[0], ()) if tokens else ()
        fitting = [other for other in likely if other != normal and _is_short_for(tokens, full[other])]
        # "John Kennedy" is short for "John F. Kennedy", and both stand for "Kennedy".
        longest = [each for each in fitting if not any(_is_short_for(full[each], full[other]) for other in fitting)]
        alone = len(tokens) == 1 and tokens[0] in others
        if len(longest) == 1 and not alone and _titles_fit(groups["person", normal], groups["person", longest[0]]):
            merged_into[normal] = longest[0]
    result: _Groups = defaultdict(list)
    for (kind, normal), same in groups.items():
        target = merged_into.get(normal, normal) if kind == "person" else normal
        result[kind, target].extend(same)
    return result


def _with_suffixes(groups: _Groups) -> _Groups:
    """Move "Stanford" to "Stanford University", if both are organisations and there is no other one."""
    longer: dict[str, list[str]] = defaultdict(list)
    for kind, normal in groups:
        first, _, last = normal.rpartition(" ")
        if kind == "organisation" and first and last in _SUFFIXES:
            longer[first].append(normal)
    result: _Groups = defaultdict(list)
    for (kind, normal), same in groups.items():
        fitting = longer.get(normal, ()) if kind == "organisation" else ()
        result[kind, fitting[0] if len(fitting) == 1 else normal].extend(same)
    return result


def _is_short_for(short: Sequence[str], full: Sequence[str]) -> bool:
    """Return whether a name is a family name or a first name of another, or the other without its initials."""
    if len(short) == 1 and len(full) > 1:
        return short[0] in {full[-1], full[0]} and len(short[0]) > 1
    if 1 < len(short) < len(full) and short[0] == full[0] and short[-1] == full[-1]:
        return all(len(token) == 1 for token in full[1:-1] if token not in short)
    return False


def _titles_fit(short: Sequence[FoundName], full: Sequence[FoundName]) -> bool:
    """Return whether the titles of a short name allow that it is the person with the full name."""
    titles, others = ({without_title(each.name)[0] for each in names} for names in (short, full))
    female, male = bool(titles & FEMALE_TITLES), bool(titles & MALE_TITLES)
    if female and male:
        return False
    # "Mrs Smith" may be the wife of John Smith.
    return not (female and not others & FEMALE_TITLES) and not (male and others & FEMALE_TITLES)


def _entity(
    kind: EntityKind, normal: str, same: Sequence[FoundName], gazetteer: Gazetteer
) -> tuple[Entity, KnownName | None]:
    spellings = tuple(_spellings(kind, same))
    known = gazetteer.find(spellings, kind)
    occurrences = _in_order({each.occurrence for each in same})
    if known is not None:
        normal = normal_form(known.name, kind) if kind != "date" else normal
    return (
        Entity(
            index=0,
            text=known.name if known else spellings[0],
            kind=kind,
            normal=normal,
            wikidata_id=known.wikidata_id if known else None,
            occurrences=occurrences,
            doubtful=known is None and kind != "date" and _may_be_misheard(same),
        ),
        known,
    )


def _may_be_misheard(same: Sequence[FoundName]) -> bool:
    [first, *others] = same
    once = all(each.occurrence == first.occurrence for each in others)
    said = first.occurrence.source == "speech" and not first.from_gazetteer
    return once and said and first.probability < _MIN_PROBABILITY


def _in_order(occurrences: Collection[Occurrence]) -> tuple[Occurrence, ...]:
    """Return occurrences in order of time; of one time, in an order that is the same in every process."""
    return tuple(sorted(occurrences, key=lambda each: (each.start_s, each.source, each.id, each.text, each.end_s)))


def _spellings(kind: EntityKind, same: Sequence[FoundName]) -> Iterator[str]:
    """Yield the spellings of a name, the best one first: the fullest, and of those the most frequent."""
    counts: Counter[str] = Counter()
    for each in same:
        name = " ".join(each.name.split())
        if kind == "person":
            # "Mr Smith" alone keeps the title, because it says more than "Smith".
            title, rest = without_title(name)
            name = rest if len(rest.split()) > 1 or not title else name
        counts[name] += _VOTES[each.occurrence.source]
    ranked = sorted(counts, key=lambda name: (-_words(kind, name), -counts[name], _is_flat(name), name))
    yield from dict.fromkeys(spelling for name in ranked for spelling in (name, without_title(name)[1]))


def _words(kind: EntityKind, name: str) -> int:
    return len(without_title(name)[1].split()) if kind in {"person", "organisation"} else 0


def _is_flat(name: str) -> bool:
    return name in {name.upper(), name.lower()}


def _joined_by_gazetteer(found: Sequence[tuple[Entity, KnownName | None]]) -> list[Entity]:
    """Join the entities that are one name of the gazetteer."""
    joined: list[Entity] = []
    of_known: dict[KnownName | str, int] = {}
    for entity, known in found:
        same = known and (known.wikidata_id or known)
        if same is not None and same in of_known:
            before = joined[of_known[same]]
            both = _in_order({*before.occurrences, *entity.occurrences})
            joined[of_known[same]] = replace(before, occurrences=both, doubtful=False)
        else:
            if same is not None:
                of_known[same] = len(joined)
            joined.append(entity)
    return joined
