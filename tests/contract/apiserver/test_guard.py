"""The embedded server rejects requests of web pages: by Host, Origin and media type."""

import pytest

from tests.contract.apiserver.samples import Namespace, sample


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]:80"]
)
def test_host_name_of_this_machine_is_accepted(embedded_namespace: Namespace, host: str) -> None:
    assert embedded_namespace.server.call("GET", "/readyz", Host=host).code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", ""])
def test_other_host_name_is_rejected(embedded_namespace: Namespace, host: str) -> None:
    answer = embedded_namespace.server.call("GET", "/readyz", Host=host)
    assert (answer.code, answer.reason) == (403, "Forbidden")
    assert "loopback" in answer.message


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
def test_request_with_the_origin_of_a_web_page_is_rejected(embedded_namespace: Namespace, origin: str) -> None:
    answer = embedded_namespace.server.call("POST", embedded_namespace.path(), sample(), Origin=origin)
    assert (answer.code, answer.reason) == (403, "Forbidden")
    assert embedded_namespace.gone("a")


@pytest.mark.parametrize("media", ["text/plain", "multipart/form-data"])
def test_media_type_that_a_web_page_can_send_is_rejected(embedded_namespace: Namespace, media: str) -> None:
    answer = embedded_namespace.server.call("POST", embedded_namespace.path(), sample(), media)
    assert (answer.code, answer.reason) == (415, "UnsupportedMediaType")
    assert embedded_namespace.gone("a")


def test_body_without_a_media_type_is_rejected_from_a_web_page(embedded_namespace: Namespace) -> None:
    """A page can also omit the media type; its request is rejected because of the Origin header."""
    answer = embedded_namespace.server.call(
        "POST", embedded_namespace.path(), sample(), "", Origin="https://evil.example"
    )
    assert (answer.code, answer.reason) == (403, "Forbidden")
    assert embedded_namespace.gone("a")
