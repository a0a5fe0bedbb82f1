"""Searches on the pages, and their restrictions."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from flows.web.search_parameters import read_parameters, seconds_of
from tests.flows.web.lakes import BROKEN, GONE, MANY, TALK
from tests.flows.web.test_pages import Elements, page


def hits(found: Elements) -> list[tuple[str, str]]:
    """Return the video and the time of each hit."""
    links = [urlsplit(attrs["href"] or "") for tag, attrs in found.tags if tag == "a" and attrs.get("class") == "hit"]
    return [(link.path.removeprefix("/v/"), dict(parse_qsl(link.query))["t"]) for link in links]


def chips(found: Elements) -> dict[str, str | None]:
    """Return the removable restrictions, each with the URL without it."""
    return {
        attrs["aria-label"] or "": attrs["href"]
        for tag, attrs in found.tags
        if tag == "a" and (attrs.get("aria-label") or "").startswith("Remove: ")
    }


@pytest.mark.slow
def test_the_kind_filter_applies_to_hits_too(client: TestClient) -> None:
    everywhere = page(client, "/?q=telescope")
    assert hits(page(client, "/?q=telescope&kind=video")) == hits(everywhere) != []
    only_audio = page(client, "/?q=telescope&kind=audio")
    assert hits(only_audio) == []
    assert "Videos with this name" not in only_audio.text
    assert '<option value="audio" selected>' in client.get("/?q=telescope&kind=audio").text
    assert "/?q=telescope" in [attrs.get("href") for _, attrs in only_audio.tags], "and can be left"


def test_searching_failed_videos_finds_only_names_and_says_so(client: TestClient) -> None:
    found = page(client, "/?q=onerror&status=failed")
    assert hits(found) == []
    assert f"/v/{BROKEN}" in [attrs.get("href") for _, attrs in found.tags]
    assert "Videos that failed have no moments" in found.text
    assert chips(found) == {"Remove: failed videos": "/?q=onerror"}
    assert hits(page(client, "/?q=telescope&status=failed")) == []


def test_hits_can_be_restricted_to_keyframes_that_show_objects(client: TestClient) -> None:
    address = f"/?q=telescope&video={TALK}"
    assert set(hits(page(client, f"{address}&object=person"))) < set(hits(page(client, address)))
    found = page(client, f"{address}&object=person%3A2%2C+bicycle")
    assert chips(found)["Remove: shows person:2, bicycle"] == address
    assert all(float(time_s) >= 16 for _, time_s in hits(found)), "the third shot has two people"
    assert "is not an object" in page(client, f"{address}&object=person:x").text
    assert "No keyframe shows the object 'zebra'" in page(client, f"{address}&object=zebra").text


def test_hits_can_be_restricted_to_moments_with_a_sound(client: TestClient) -> None:
    address = f"/?q=telescope&video={TALK}"
    found = page(client, f"{address}&sound=Music")
    assert set(hits(found)) < set(hits(page(client, address)))
    assert hits(found)
    assert chips(found)["Remove: with Music"] == address
    assert "No moment has the sound 'siren'" in page(client, f"{address}&sound=siren").text


def test_hits_can_be_restricted_by_video_speaker_and_time(client: TestClient) -> None:
    address = f"/?q=telescope&video={TALK}&speaker=Bob&from=0:15&to=24"
    found = page(client, address)
    assert hits(found) == [(TALK, "19")]
    assert chips(found) == {
        "Remove: only in the talk.mp4": "/?q=telescope&speaker=Bob&from=0%3A15&to=24",
        "Remove: speaker Bob": f"/?q=telescope&video={TALK}&from=0%3A15&to=24",
        "Remove: from 0:15": f"/?q=telescope&video={TALK}&speaker=Bob&to=24",
        "Remove: before 24": f"/?q=telescope&video={TALK}&speaker=Bob&from=0%3A15",
    }
    assert hits(page(client, "/?q=telescope&speaker=Ada")) == [(TALK, "4")]
    assert hits(page(client, f"/?q=telescope&video={GONE}")) == []
    assert hits(page(client, "/?q=telescope&video=the talk.mp4&to=8")) == [(TALK, "4")]


@pytest.mark.parametrize(
    ("address", "said"),
    [("/?q=telescope&video=nowhere.mp4", "There is no video nowhere.mp4"),
     ("/?q=telescope&from=soon", "“soon” is not a time"),
     ("/?q=telescope&from=20&to=10", "10 is not after 20"),
     ("/?like=telescope", "“telescope” is not a moment")]
)  # fmt: skip
def test_an_invalid_filter_is_named_and_ignored(client: TestClient, address: str, said: str) -> None:
    found = page(client, address)
    assert said in found.text
    assert chips(found) == {}
    assert len(hits(found)) == (2 if "q=" in address else 0)


def test_similar_moments_are_found_without_the_moment_itself(client: TestClient) -> None:
    found = page(client, f"/?like={TALK}@2")
    assert "similar to 0:02 in the talk.mp4" in found.text
    assert len(hits(found)) > MANY
    assert (TALK, "0") not in hits(found)
    assert {video for video, _ in hits(page(client, f"/?like={TALK}@2&video={GONE}"))} == {GONE}
    assert "There is no video nothing.mp4" in page(client, "/?like=nothing.mp4@2").text


def test_hits_and_keyframes_link_to_similar_moments(client: TestClient) -> None:
    def likes(address: str) -> list[str]:
        return [attrs["href"] or "" for _, attrs in page(client, address).tags if attrs.get("class") == "similar"]

    assert sorted(likes("/?q=telescope")) == [f"/?like={TALK}%4019", f"/?like={TALK}%404"]
    storyboard = likes(f"/v/{TALK}")
    assert len(storyboard) == 3
    for address in storyboard:
        assert "moments similar to" in page(client, address).text


def test_a_search_that_reaches_the_limit_says_so(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Best " not in page(client, "/?q=telescope").text
    monkeypatch.setattr("flows.web.search.MAX_HITS", 2)
    monkeypatch.setattr("flows.web.pages.MAX_HITS", 2)
    assert "Best 2 moments for" in page(client, "/?q=telescope").text


@pytest.mark.parametrize("query", ["talk the", "THE_TALK", "talk-mp4", "the.talk", "telescope the", "mp4 telesc"])
def test_a_video_is_found_by_name_if_all_words_are_in_its_names(client: TestClient, query: str) -> None:
    assert f'href="/v/{TALK}"' in client.get("/results", params={"q": query}).text


def test_texts_have_a_language_and_a_direction(client: TestClient) -> None:
    for address in ("/", "/?q=telescope", f"/v/{TALK}?q=telescope"):
        text = client.get(address).text
        assert re.search(r'dir="auto" lang="en">[^<]*(<mark>)?[Tt]elescope', text), address


@given(
    st.dictionaries(
        st.sampled_from(["q", "like", "video", "speaker", "from", "to", "kind", "status", "moment", "page", "sort"]),
        st.text(max_size=8) | st.sampled_from(["audio", "failed", "speech", "1:23", "9.5", "a@3", "name"]),
    )
)
@settings(suppress_health_check=list(HealthCheck))
def test_parameters_are_read_back_from_their_own_url(params: dict[str, str]) -> None:
    parameters = read_parameters(params)
    again = read_parameters(parameters.params())
    assert again.params() == parameters.params()
    assert again.problems == ()


@given(st.integers(0, 9999), st.integers(0, 59), st.integers(0, 59))
def test_times_are_read_as_people_write_them(hours: int, minutes: int, seconds: int) -> None:
    assert seconds_of(f"{hours}:{minutes:02}:{seconds:02}") == hours * 3600 + minutes * 60 + seconds
    assert seconds_of(f"{minutes}:{seconds}") == minutes * 60 + seconds
    assert seconds_of(f"{seconds}.5") == seconds + 0.5


@pytest.mark.parametrize(("params", "problem"), [({"kind": "film"}, "kind"), ({"q": "sea", "moment": "x"}, "moment")])
def test_a_value_that_means_nothing_is_ignored_and_named(params: dict[str, str], problem: str) -> None:
    [said] = read_parameters(params).problems
    assert said.startswith(f"“{params[problem]}” is not a {problem}, so it was ignored. Use ")
