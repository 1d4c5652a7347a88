"""Web pages cannot reach a development server, and what takes no JSON takes nothing."""

import pytest

from tests.contract.apiserver.samples import Place, sample


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]:80"]
)
def test_names_of_this_machine(embedded_place: Place, host: str) -> None:
    assert embedded_place.server.call("GET", "/readyz", Host=host).code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", ""])
def test_other_hosts(embedded_place: Place, host: str) -> None:
    answer = embedded_place.server.call("GET", "/readyz", Host=host)
    assert (answer.code, answer.reason) == (403, "Forbidden")
    assert "loopback" in answer.message


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
def test_web_pages(embedded_place: Place, origin: str) -> None:
    answer = embedded_place.server.call("POST", embedded_place.path(), sample(), Origin=origin)
    assert (answer.code, answer.reason) == (403, "Forbidden")
    assert embedded_place.gone("a")


@pytest.mark.parametrize("media", ["text/plain", "multipart/form-data"])
def test_bodies_that_a_page_could_send(embedded_place: Place, media: str) -> None:
    answer = embedded_place.server.call("POST", embedded_place.path(), sample(), media)
    assert (answer.code, answer.reason) == (415, "UnsupportedMediaType")
    assert embedded_place.gone("a")


def test_a_body_without_a_media_type_is_json_but_not_from_a_page(embedded_place: Place) -> None:
    """A page can leave the media type out as well; the Origin header of its request gives it away."""
    answer = embedded_place.server.call("POST", embedded_place.path(), sample(), "", Origin="https://evil.example")
    assert (answer.code, answer.reason) == (403, "Forbidden")
    assert embedded_place.gone("a")
