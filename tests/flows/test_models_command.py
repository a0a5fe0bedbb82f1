"""`videolake models`: what a configuration uses, and fetching it ahead of a run."""

import re

import pytest
from click.testing import CliRunner

from flows.cli import main
from pipeline.run import profile_names

LIGHT = ("speech.engine=none", "ocr.engine=none", "shots.detector=content")


def call(*arguments: str, settings: tuple[str, ...] = LIGHT) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["models", *arguments, *(part for each in settings for part in ("--set", each))])
    return done.exit_code, done.output


@pytest.mark.models
def test_a_profile_is_fetched_verified_and_loaded() -> None:
    code, shown = call("--fetch", "embedded")
    assert code == 0
    assert re.search(r"text +embedded:minilm +Apache-2.0 +90.9 MB +53aa51172d14 ", shown)
    assert re.search(r"All \d+ are here, \S+ MB, and load: in \d+ s, with [\d.,]+ [GM]B of memory", shown)


def test_without_a_network_a_model_that_is_not_here_is_named_and_nothing_is_loaded() -> None:
    code, shown = call("--fetch", "network")
    assert code == 2
    assert re.search(r"error: \S+\.model: \S+/\S+ is not on this machine and could not be fetched", shown)
    assert "are here" not in shown


def test_a_profile_that_does_not_exist_is_refused_with_those_that_do() -> None:
    code, shown = call("--fetch", "nothing")
    assert code == 2
    assert all(name in shown for name in profile_names())
