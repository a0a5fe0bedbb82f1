"""The server and the proxy are what the other tests rely on: real clients reach them, and each fault is one."""

import http.client
from urllib.parse import urlsplit

import fsspec
import pyarrow.fs as pafs
import pytest

from tests.s3 import Fault, FaultProxy, first


def test_s3fs_and_arrow_reach_a_bucket_by_its_plain_uri(faulty_bucket: tuple[str, FaultProxy]) -> None:
    uri, proxy = faulty_bucket
    filesystem, folder = fsspec.core.url_to_fs(f"{uri}/folder")
    filesystem.pipe_file(f"{folder}/one", b"1")
    assert filesystem.ls(folder, detail=False) == [f"{folder}/one"]
    arrow, key = pafs.FileSystem.from_uri(f"{uri}/folder/one")
    with arrow.open_input_file(key) as file:
        assert file.read() == b"1"
    assert proxy.requests["PUT"] == 1
    assert proxy.requests["LIST"] >= 1


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_is_what_its_name_says(faulty_bucket: tuple[str, FaultProxy], fault: Fault) -> None:
    uri, proxy = faulty_bucket
    url = urlsplit(proxy.endpoint)
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}

    def ask(verb: str, body: bytes = b"", condition: str = "") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=120)
        try:
            connection.request(
                verb,
                f"/{uri.removeprefix('s3://')}/key",
                body,
                signed | ({"If-None-Match": condition} if condition else {}),
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    assert ask("PUT", b"before") == (200, b"")
    verb = "GET" if fault is Fault.CUT_RESPONSE else "PUT"
    with proxy.failing(first(1, fault)):
        if fault in (Fault.SLOW_DOWN, Fault.INTERNAL_ERROR):
            status, content = ask(verb, b"after")
            assert (status, fault.value.split()[-1].encode() in content) == (int(fault.value.split()[2]), True)
        elif fault is Fault.IGNORED_CONDITION:
            assert ask(verb, b"after", "*") == (200, b"")
        else:
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                ask(verb, b"after")
    assert ask("PUT", b"never", "*")[0] == 412
    assert ask("GET") == (200, b"after" if fault in (Fault.LOST_RESPONSE, Fault.IGNORED_CONDITION) else b"before")
    assert proxy.faults == {fault: 1}
