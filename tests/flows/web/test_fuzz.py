"""Any request: no server error, nothing from outside the lake, the same headers on every response."""

import html
import http.client
from contextlib import nullcontext, suppress
from urllib.parse import quote

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from starlette.testclient import TestClient

from flows.web.wording import marked, words_of
from tests.flows.web.lakes import BROKEN, GONE, HOSTILE, PASSWD, SECRET, TALK
from tests.flows.web.openapi import description
from tests.nightly import examples

pytestmark = pytest.mark.slow
DESCRIPTION = description([TALK, HOSTILE, GONE, PASSWD, SECRET, BROKEN])
_LEAKS = (b"root:x:", b"hunter2", b"Traceback (most recent")
few = settings(max_examples=examples(12), suppress_health_check=list(HealthCheck), derandomize=True, database=None)


@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path, methods in DESCRIPTION["paths"].items() for method in methods]
)
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_the_server_answers_every_request_of_its_description(path: str, method: str, mode: str, site: str) -> None:
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error

    operation = schemathesis.openapi.from_dict(DESCRIPTION)[path][method]

    @given(case=operation.as_strategy(generation_mode=GenerationMode(mode)))
    @few
    def answered(case: schemathesis.Case) -> None:
        answer = case.call(base_url=site, timeout=60)
        case.validate_response(answer, checks=[not_a_server_error])
        if answer.status_code != 400:  # what is no HTTP never reaches the pages
            assert answer.headers["x-content-type-options"] == ["nosniff"]
            assert "default-src 'none'" in answer.headers["content-security-policy"][0]
        assert not any(leak in answer.content for leak in _LEAKS)

    with suppress(Unsatisfiable) if mode == "negative" else nullcontext():  # some addresses take anything
        answered()


_STEPS = st.sampled_from(
    ["..", ".", "etc", "passwd", "static", "media", "v", "t", "%2e%2e", "%2f", "%5c", "%00", "~", TALK]
)
_SEGMENTS = st.lists(_STEPS | st.text(max_size=6).map(lambda text: quote(text, safe="")), max_size=7)


@given(segments=_SEGMENTS, joint=st.sampled_from(["/", "//", "%2f", "/./", "\\"]))
@settings(max_examples=examples(30), suppress_health_check=list(HealthCheck))
def test_no_path_leads_out_or_makes_the_server_fail(site: str, segments: list[str], joint: str) -> None:
    connection = http.client.HTTPConnection(site.removeprefix("http://"), timeout=60)
    connection.putrequest("GET", "/" + joint.join(segments), skip_host=False)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status < 500
    assert not any(leak in body for leak in _LEAKS)


@pytest.mark.parametrize(
    "path", ["/static/../pages.py", "/static/%2e%2e/pages.py", "/static/..%2fpages.py", "/static//etc/passwd",
             "/static/..%5cpages.py", "/media/%2fetc%2fpasswd", "/t/..%2f..%2fetc%2fpasswd.jpg", "/v/../../etc/passwd"]
)  # fmt: skip
def test_known_ways_out_lead_nowhere(site: str, path: str) -> None:
    session = requests.Session()
    request = session.prepare_request(requests.Request("GET", site))
    request.url = site + path
    assert session.send(request, timeout=60).status_code in {400, 404}


@given(query=st.text(max_size=80), topic=st.text(max_size=20), moment=st.text(max_size=12), page=st.text(max_size=12))
@settings(max_examples=examples(12), suppress_health_check=list(HealthCheck))
def test_any_query_is_answered_as_text(client: TestClient, query: str, topic: str, moment: str, page: str) -> None:
    params = {"q": query, "topic": topic, "page": page, "moment": moment}
    encoded = {name: value.encode("utf-8", "replace").decode() for name, value in params.items()}
    assert client.get("/results", params=encoded).status_code == 200
    assert client.get(f"/v/{TALK}", params={"q": encoded["q"], "t": encoded["page"]}).status_code == 200


@given(text=st.text(max_size=200), query=st.text(max_size=40), prefix=st.booleans())
def test_marking_changes_nothing_but_marks(text: str, query: str, prefix: bool) -> None:
    shown = marked(text, words_of(query, prefix=prefix))
    assert html.unescape(str(shown).replace("<mark>", "").replace("</mark>", "")) == text
    assert shown.count("<mark>") == shown.count("</mark>")
