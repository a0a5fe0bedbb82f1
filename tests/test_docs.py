"""What the documents say is so."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from flows.archive import analyze_archive
from pipeline.lake.reference import table_reference
from pipeline.models import embedded_models

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_the_table_reference_is_that_of_the_schemas() -> None:
    written = (ROOT / "docs" / "reference" / "tables.md").read_text(encoding="utf-8")
    assert written == table_reference(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_and_to_pictures_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_model_that_ships_is_in_the_table_of_licences() -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for model in embedded_models():
        row = next(line for line in page.splitlines() if f"embedded:{model.name}" in line)
        assert model.licence in row
        assert model.source in row


def test_readme_names_the_commands_that_there_are() -> None:
    from flows.cli import main

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"videolake ([a-z]+)", text)) - {"is"}
    assert named <= set(main.commands)
    assert {"make demo", "make test"} <= set(re.findall(r"make (?:demo|test)", text))


def test_the_deployment_file_names_the_flow_and_its_parameters() -> None:
    deployment = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"][0]
    assert deployment["entrypoint"] == "flows/archive.py:analyze_archive"
    assert set(deployment["parameters"]) <= set(analyze_archive.parameters.properties)


def test_the_constraints_pin_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.split(r"[\[<>=;, ]", requirement)[0].lower().replace("_", "-") for requirement in wanted}
    assert names <= pinned, names - pinned
