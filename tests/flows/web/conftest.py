from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from flows.web.app import make_app
from pipeline.lake import Lake
from pipeline.search import Searcher
from tests.flows.web.lakes import make_lake


@pytest.fixture(scope="session")
def web_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return make_lake(tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="session")
def client(web_lake: Lake) -> Iterator[TestClient]:
    app = make_app(web_lake, Searcher(web_lake))
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def archive(web_lake: Lake) -> Path:
    return Path(web_lake.uri).parent / "archive"
