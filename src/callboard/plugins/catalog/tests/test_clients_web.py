import gzip
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from callboard.plugins.catalog.clients import web
from callboard.plugins.catalog.clients.guard import Guard
from callboard.plugins.catalog.clients.reading import LocationTarget, Reader, ReadError, ReadingLimits
from callboard.plugins.catalog.tests.servers import Handler, Site, certificate, running_site


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as one:
        yield one


def reader(**limits: object) -> Reader:
    return Reader(ReadingLimits(**{"allow": ("127.0.0.1", "localhost"), "timeout": 5, **limits}))  # type: ignore[arg-type]


def url(target: str) -> LocationTarget:
    return LocationTarget("url", target)


def failing(read: Reader, target: str, etag: str = "") -> ReadError:
    with pytest.raises(ReadError) as caught:
        read.read(url(target), etag)
    assert caught.value.remedy
    return caught.value


def test_a_file_is_read_with_its_etag_and_then_found_unchanged(site: Site) -> None:
    def answer(handler: Handler) -> None:
        unchanged = handler.headers.get("If-None-Match") == 'W/"v1"'
        handler.reply(304 if unchanged else 200, b"" if unchanged else b"kind: API", {"ETag": 'W/"v1"'})

    target = site.does("/catalog-info.yaml", answer)
    first = reader().read(url(target))
    assert [(file.url, file.content) for file in first.files] == [(target, b"kind: API")]
    again = reader().read(url(target), first.etag)
    assert again.not_modified
    assert again.files == ()
    assert again.etag == first.etag


def test_last_modified_serves_where_there_is_no_etag(site: Site) -> None:
    date = "Wed, 01 Jan 2025 10:00:00 GMT"

    def answer(handler: Handler) -> None:
        same = handler.headers.get("If-Modified-Since") == date
        handler.reply(304 if same else 200, b"" if same else b"a: 1", {"Last-Modified": date})

    target = site.does("/a.yaml", answer)
    first = reader().read(url(target))
    assert reader().read(url(target), first.etag).not_modified


def test_a_server_without_validators_is_compared_by_content(site: Site) -> None:
    target = site.text("/a.yaml", "a: 1")
    first = reader().read(url(target))
    assert reader().read(url(target), first.etag).not_modified
    site.text("/a.yaml", "a: 2")
    changed = reader().read(url(target), first.etag)
    assert not changed.not_modified
    assert changed.files[0].content == b"a: 2"


def test_redirects_are_followed_and_the_place_keeps_its_name(site: Site) -> None:
    site.text("/end.yaml", "a: 1")
    target = site.text("/start.yaml", "", 302, Location="/end.yaml")
    result = reader().read(url(target))
    assert result.files[0].content == b"a: 1"
    assert result.files[0].url == target


def test_a_redirect_loop_ends_after_five_hops(site: Site) -> None:
    target = site.text("/loop.yaml", "", 302, Location="/loop.yaml")
    error = failing(reader(), target)
    assert error.code == "http-error"
    assert "redirects more than 5 times" in error.message
    assert len(site.seen("/loop.yaml")) == 6


@pytest.mark.parametrize(
    "place",
    ["http://169.254.169.254/latest/meta-data", "http://10.0.0.1/x", "http://[::1]/x", "http://0.0.0.0/x"],
)
def test_a_redirect_to_a_private_address_is_refused(site: Site, place: str) -> None:
    target = site.text("/start.yaml", "", 302, Location=place)
    error = failing(reader(), target)
    assert error.code == "refused"
    assert target in error.message
    assert "catalog.reading.allow" in error.remedy


def test_a_redirect_to_a_file_is_refused(site: Site) -> None:
    target = site.text("/start.yaml", "", 302, Location="file:///etc/passwd")
    assert failing(reader(), target).code == "refused"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/a.yaml",
        "http://localhost:{port}/a.yaml",
        "http://2130706433:{port}/a.yaml",
        "http://0x7f.1:{port}/a.yaml",
        "http://[::ffff:127.0.0.1]:{port}/a.yaml",
        "http://0:{port}/a.yaml",
    ],
)
def test_a_private_address_is_refused_however_it_is_spelled(site: Site, target: str) -> None:
    site.text("/a.yaml", "a: 1")
    error = failing(reader(allow=()), target.format(port=site.port))
    assert error.code == "refused"
    assert site.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "172.16.0.1", "192.168.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
        "168.63.129.16", "192.0.0.192", "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
        "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "fec0::1",
        "::127.0.0.1", "64:ff9b:1::a00:1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    with pytest.raises(ReadError) as caught:
        Guard().resolve(address, 80)
    assert caught.value.code == "refused"


@pytest.mark.parametrize("address", ["8.8.8.8", "140.82.112.3", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_let_through(address: str) -> None:
    assert Guard().resolve(address, 443) == (address,)


def test_the_allow_list_takes_networks_addresses_and_patterns() -> None:
    guard = Guard(("10.0.0.0/8", "127.0.0.1", "local*"))
    assert guard.resolve("10.2.3.4", 80) == ("10.2.3.4",)
    assert "127.0.0.1" in guard.resolve("localhost", 80)
    assert guard.resolve("::ffff:10.2.3.4", 80) == ("::ffff:10.2.3.4",)
    with pytest.raises(ReadError):
        guard.resolve("192.168.1.1", 80)
    with pytest.raises(ReadError):
        Guard(("example.com",)).resolve("127.0.0.1", 80)


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answer for `rebind.test` with each address of the list in turn, as the name server of an attacker does."""
    answers: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, *arguments: object, **named: object) -> object:
        return real(answers.pop(0) if host == "rebind.test" else host, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


def test_a_name_that_changes_its_address_in_between_leads_nowhere_else(site: Site, name_server: list[str]) -> None:
    site.text("/a.yaml", "secret: 1")
    name_server += ["127.0.0.2", "127.0.0.1"]
    error = failing(reader(allow=("127.0.0.2",)), f"http://rebind.test:{site.port}/a.yaml")
    assert error.code == "unreadable"
    assert site.requests == []
    assert name_server == ["127.0.0.1"], "the name was looked up a second time"


def test_the_judged_address_is_asked_under_the_name(site: Site, name_server: list[str]) -> None:
    site.text("/a.yaml", "a: 1")
    name_server += ["127.0.0.1"]
    reader(allow=("127.0.0.1",)).read(url(f"http://rebind.test:{site.port}/a.yaml"))
    assert site.seen("/a.yaml")[0]["host"] == f"rebind.test:{site.port}"


def test_the_certificate_is_checked_against_the_name_and_not_the_address(
    name_server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, tls = certificate(tmp_path, "rebind.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    web._certificates.cache_clear()
    try:
        with running_site(tls) as site:
            site.text("/a.yaml", "a: 1")
            name_server += ["127.0.0.1"]
            result = reader().read(url(f"https://rebind.test:{site.port}/a.yaml"))
            assert result.files[0].content == b"a: 1"
            error = failing(reader(), f"https://localhost:{site.port}/a.yaml")
            assert error.code == "unreadable"
            assert "certificate" in error.message
    finally:
        web._certificates.cache_clear()


def test_a_server_that_does_not_answer_is_given_up(site: Site) -> None:
    target = site.does("/slow.yaml", lambda _: time.sleep(1.5))
    started = time.monotonic()
    error = failing(reader(timeout=0.4), target)
    assert error.code == "timed-out"
    assert error.transient
    assert "0.4 seconds" in error.message
    assert time.monotonic() - started < 1.4


@pytest.mark.parametrize("head", [True, False])
def test_a_server_that_drips_bytes_cannot_pass_the_total_time(site: Site, head: bool) -> None:
    def drip(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"" if head else b"Content-Length: 100\r\n\r\n"))
        for _ in range(15):
            handler.wfile.write(b"X-A: 1\r\n" if head else b"x")
            time.sleep(0.1)

    started = time.monotonic()
    assert failing(reader(timeout=0.5), site.does("/drip.yaml", drip)).code == "timed-out"
    assert time.monotonic() - started < 1.3


def test_an_answer_that_breaks_off_is_an_error_that_may_pass(site: Site) -> None:
    def cut(handler: Handler) -> None:
        handler.reply(200, b"half", {"Content-Length": "100"})
        handler.close_connection = True

    error = failing(reader(), site.does("/cut.yaml", cut))
    assert (error.code, error.transient) == ("http-error", True)
    assert "broke off" in error.message


def test_a_file_over_the_limit_is_refused_whether_announced_or_not(site: Site) -> None:
    announced = site.text("/big.yaml", b"x" * 2000)

    def unannounced(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 200_000)
        handler.close_connection = True

    for target in (announced, site.does("/stream.yaml", unannounced)):
        error = failing(reader(max_bytes=1000), target)
        assert error.code == "too-large"
        assert target in error.message


def test_gzip_is_unpacked_and_a_bomb_is_stopped(site: Site) -> None:
    small = site.text("/ok.yaml", gzip.compress(b"a: 1"), Content_Encoding="gzip")
    assert reader().read(url(small)).files[0].content == b"a: 1"
    bomb = site.text("/bomb.yaml", gzip.compress(b"\0" * 30_000_000), Content_Encoding="gzip")
    assert failing(reader(max_bytes=1_000_000), bomb).code == "too-large"
    damaged = site.text("/bad.yaml", b"no gzip at all", Content_Encoding="gzip")
    assert failing(reader(), damaged).code == "unreadable"
    half = site.text("/half.yaml", gzip.compress(b"a: 1" * 1000)[:-12], Content_Encoding="gzip")
    assert failing(reader(), half).code == "http-error"
    other = site.text("/br.yaml", b"x", Content_Encoding="br")
    assert failing(reader(), other).code == "unreadable"


@pytest.mark.parametrize(
    ("status", "code", "transient"),
    [
        (404, "not-found", False),
        (410, "not-found", False),
        (401, "unauthorized", False),
        (403, "unauthorized", False),
        (418, "http-error", False),
        (500, "http-error", True),
        (503, "http-error", True),
    ],
)
def test_each_status_says_what_it_means(site: Site, status: int, code: str, transient: bool) -> None:
    target = site.text("/a.yaml", "no", status)
    error = failing(reader(), target)
    assert (error.code, error.transient) == (code, transient)
    assert target in error.message
    assert str(status) in error.message


def test_the_wish_to_be_left_alone_is_passed_on(site: Site) -> None:
    assert failing(reader(), site.text("/a", "", 429, Retry_After="17")).retry_after == 17
    later = formatdate(time.time() + 60, usegmt=True)
    assert 50 < (failing(reader(), site.text("/b", "", 503, Retry_After=later)).retry_after or 0) <= 61
    reset = str(int(time.time()) + 100)
    error = failing(reader(), site.text("/c", "", 403, X_RateLimit_Remaining="0", X_RateLimit_Reset=reset))
    assert error.code == "rate-limited"
    assert error.transient
    assert 90 < (error.retry_after or 0) <= 101
    assert failing(reader(), site.text("/d", "", 429, Retry_After="soon")).retry_after is None


def test_a_web_page_is_not_taken_for_a_catalog_file(site: Site) -> None:
    error = failing(reader(), site.text("/sign-in", "<!DOCTYPE html><html></html>"))
    assert error.code == "unreadable"
    assert "web page" in error.message
    base = url(site.url + "/catalog-info.yaml")
    assert reader().read_file_relative(base, "sign-in").content.startswith(b"<!DOCTYPE")


def test_a_token_goes_to_its_host_and_not_along_with_a_redirect(site: Site) -> None:
    with running_site() as other:
        other.text("/end.yaml", "a: 1")
        site.text("/here.yaml", "a: 1")
        site.text("/within.yaml", "", 302, Location="/here.yaml")
        site.text("/away.yaml", "", 302, Location=other.url + "/end.yaml")
        hosts = {f"127.0.0.1:{site.port}": {"token": "s3cret", "headers": {"X-Team": "blue"}}}
        read = reader(hosts=hosts)
        read.read(url(site.url + "/within.yaml"))
        read.read(url(site.url + "/away.yaml"))
        assert site.seen("/here.yaml")[0]["authorization"] == "Bearer s3cret"
        assert site.seen("/here.yaml")[0]["x-team"] == "blue"
        sent = other.seen("/end.yaml")[0]
        assert "authorization" not in sent
        assert "x-team" not in sent


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    error = failing(reader(), "https://ada:hunter2@example.com/a.yaml?private_token=abc123")
    assert error.code == "refused"
    for text in (str(error), error.url):
        assert "hunter2" not in text
        assert "abc123" not in text


@pytest.mark.parametrize(
    "target", ["ftp://h/a.yaml", "gopher://h/", "file:///etc/passwd", "nonsense", "http://", "http://[::1/x"]
)
def test_only_http_addresses_are_read(target: str) -> None:
    assert failing(reader(), target).code == "refused"


def test_an_unknown_host_and_a_closed_port_say_so() -> None:
    error = failing(reader(), "http://no-such-host.invalid/a.yaml")
    assert (error.code, error.transient) == ("not-found", True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = taken.getsockname()[1]
    assert failing(reader(), f"http://127.0.0.1:{closed}/a.yaml").code == "unreadable"


def test_a_pattern_on_an_ordinary_host_is_explained(site: Site) -> None:
    error = failing(reader(), site.url + "/services/*/catalog-info.yaml")
    assert error.code == "unreadable"
    assert "type git" in error.remedy


def test_an_unknown_location_type_is_explained() -> None:
    with pytest.raises(ReadError) as caught:
        reader().read(LocationTarget("s3", "bucket/x"))
    assert caught.value.code == "unknown-type"
    assert "file, url, git" in caught.value.remedy
