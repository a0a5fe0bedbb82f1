"""A whole run with archive and lake on a real S3 server that is slow and drops connections now and then."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import fsspec
import pytest
from starlette.requests import Request as HttpRequest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from flows.archive import analyze_archive
from flows.parameters import parameters_of
from flows.web.media import Original, find_original, serve_original
from pipeline.lake import Lake
from schemas.config import Config, ObjectsConfig, OcrConfig, ShardsConfig, ShotsConfig, SpeechConfig, WorkersConfig
from schemas.errors import LakeError
from tests import material
from tests.s3 import Fault, FaultProxy, Request

pytestmark = [pytest.mark.prefect, pytest.mark.models, pytest.mark.usefixtures("kept_models")]
LIGHT = Config(
    workers=WorkersConfig(engine="inline"),
    shards=ShardsConfig(max_videos=1),
    speech=SpeechConfig(engine="none"),
    ocr=OcrConfig(engine="none"),
    shots=ShotsConfig(detector="content"),
    objects=ObjectsConfig(model="none"),
)


@pytest.fixture(scope="module", autouse=True)
def _on_the_server(prefect_server: dict[str, str]) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_server["PREFECT_API_URL"]}):
        yield


def test_a_run_on_an_object_store_is_complete_resumes_has_one_writer_and_plays(
    tmp_path: Path, faulty_bucket: tuple[str, FaultProxy]
) -> None:
    bucket, proxy = faulty_bucket
    archive, lake = f"{bucket}/archive", f"{bucket}/lake"
    films = {
        name: material.shots_video(tmp_path / name, shots, size=(160, 90)).read_bytes()
        for name, shots in {"one.mp4": (1.0, 1.0), "two.mp4": (0.6,)}.items()
    }
    filesystem, folder = fsspec.core.url_to_fs(archive)
    for name, content in films.items():
        filesystem.pipe_file(f"{folder}/{name}", content)
    faults = cycle((None, None, Fault.LOST_RESPONSE, None, None, None, Fault.CUT_RESPONSE))

    def bumpy(request: Request) -> Fault | None:
        return next(faults) if request.verb != "HEAD" else None

    with proxy.failing(bumpy):
        result = analyze_archive([archive], lake, **parameters_of(LIGHT))
    assert proxy.faults[Fault.LOST_RESPONSE] > 5
    assert (result.found, result.ok, result.failed) == (2, 2, 0)
    rows = Lake(lake).sql("SELECT uri, shots, size_bytes FROM videos ORDER BY uri").to_pylist()
    assert [(row["uri"], row["shots"]) for row in rows] == [(f"{archive}/one.mp4", 2), (f"{archive}/two.mp4", 1)]

    with Lake(lake).lock(), pytest.raises(LakeError, match="is being written by process"):
        analyze_archive([archive], lake, **parameters_of(LIGHT))
    again = analyze_archive([archive], lake, **parameters_of(LIGHT))
    assert (again.ok, again.done_before) == (0, 2)

    original = find_original([rows[0]["uri"]], rows[0]["size_bytes"], [archive])
    assert isinstance(original, Original)

    async def player(scope: Scope, receive: Receive, send: Send) -> None:
        answer = serve_original(original, HttpRequest(scope).headers.get("range"), None, head=False)
        await answer(scope, receive, send)

    with proxy.failing(bumpy):
        sent = TestClient(player).get("/", headers={"range": "bytes=1000-4999"})
    assert (sent.status_code, sent.content) == (206, films["one.mp4"][1000:5000])
