"""HTTPS: the protocol's versions, its certificates, and their renewal without a restart."""

import signal
import socket
import ssl

import httpx
import pytest

import program
from certificates import make_certificate, trusting
from embeddings import NAME
from program import wait_for


@pytest.fixture
def https(start, tmp_path):
    """A server with a certificate of its own, which is the pair `server.crt`, `server.key`."""
    certificate, key = make_certificate(tmp_path, "server")

    def begin(*flags):
        return start("--tls-cert", certificate, "--tls-key", key, *flags).wait_until_ready()

    return begin


def handshake(server, context):
    """The version that is agreed on, and the certificate that is shown."""
    with socket.create_connection((server.host, server.port), timeout=program.PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secured:
            secured.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert secured.recv(65536).startswith(b"HTTP/1.1 200")
            return secured.version(), secured.getpeercert(True)


def shows_certificate(server, certificate):
    """Whether new connections get this certificate; what is shown instead is not trusted."""
    try:
        handshake(server, trusting(certificate))
    except ssl.SSLCertVerificationError:
        return False
    return True


def test_healthcheck_over_https(https, binary, tmp_path):
    server = https()
    url = f"https://127.0.0.1:{server.port}"
    good = program.run(binary, "healthcheck", url, "--ca", tmp_path / "server.crt")
    assert (good.returncode, good.stdout) == (0, b"HTTP/1.1 200 OK\n")
    named = f"https://localhost:{server.port}/health/live"
    assert program.run(
        binary, "healthcheck", named, "--ca", tmp_path / "server.crt").returncode == 0
    assert program.run(binary, "healthcheck", url, "--insecure").returncode == 0
    unknown = program.run(binary, "healthcheck", url)
    assert unknown.returncode == 1 and b"certificate" in unknown.stdout
    other, _ = make_certificate(tmp_path, "other")
    assert program.run(binary, "healthcheck", url, "--ca", other).returncode == 1
    plain = f"http://127.0.0.1:{server.port}"
    assert program.run(binary, "healthcheck", plain).returncode == 1


def test_a_certificate_for_each_name(https, tmp_path):
    certificate, key = make_certificate(tmp_path, "second", names="DNS:second.example")
    server = https("--tls-identity", f"{certificate}:{key}")
    assert shows_certificate(server, tmp_path / "server.crt")
    context = trusting(certificate)
    with socket.create_connection((server.host, server.port), timeout=program.PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname="second.example") as secured:
            assert secured.getpeercert()["subjectAltName"] == (("DNS", "second.example"),)


@pytest.mark.parametrize("flags, words", [
    (["--tls-identity", "a.crt:a.key"], ["tls-identity", "tls-cert"]),
    (["--tls-identity", "a.crt"], ["tls-identity", "CERT:KEY"]),
    (["--tls-identity", "a:b:c"], ["tls-identity", "CERT:KEY"]),
])
def test_a_bad_identity_is_named(binary, model, flags, words):
    finished = program.run(binary, "serve", "--model", model, *flags)
    assert finished.returncode == 2
    assert all(word in finished.stderr.decode() for word in words)


def test_embeddings_over_https(https, tmp_path):
    server = https()
    assert server.url.startswith("https://")
    with httpx.Client(verify=trusting(tmp_path / "server.crt"), trust_env=False) as client:
        for _ in range(3):
            response = client.post(
                server.url + "/v1/embeddings", json={"model": NAME, "input": ["river"] * 500})
            assert len(response.json()["data"]) == 500


@pytest.mark.parametrize("flags, expected", [
    ([], None), (["--hsts-max-age", "86400"], "max-age=86400")])
def test_strict_transport_security_is_for_who_asks(https, tmp_path, flags, expected):
    server = https(*flags)
    with httpx.Client(verify=trusting(tmp_path / "server.crt"), trust_env=False) as client:
        for path in ("/health", "/nowhere"):
            assert client.get(server.url + path).headers.get(
                "strict-transport-security") == expected


@pytest.mark.parametrize("version, name", [
    (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_modern_versions_are_spoken(https, tmp_path, version, name):
    server = https()
    context = trusting(
        tmp_path / "server.crt", minimum_version=version, maximum_version=version)
    assert handshake(server, context)[0] == name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_are_not(https, tmp_path):
    server = https()
    context = trusting(tmp_path / "server.crt", minimum_version=ssl.TLSVersion.TLSv1,
                       maximum_version=ssl.TLSVersion.TLSv1_1)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(server, context)


def test_cleartext_on_the_port_of_https_does_no_harm(https, tmp_path):
    server = https()
    server.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    handshake(server, trusting(tmp_path / "server.crt"))


def test_a_new_certificate_is_taken_on_sighup(https, tmp_path):
    server = https()
    context = trusting(tmp_path / "server.crt")
    with socket.create_connection((server.host, server.port), timeout=program.PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as old:
            _, before = handshake(server, context)
            make_certificate(tmp_path, "server")
            server.signal(signal.SIGHUP)
            wait_for(lambda: shows_certificate(server, tmp_path / "server.crt"))
            _, after = handshake(server, trusting(tmp_path / "server.crt"))
            assert after != before
            # The connection that was open before is not harmed.
            old.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert old.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_bad_certificate_is_not_taken(https, tmp_path):
    server = https()
    context = trusting(tmp_path / "server.crt")
    (tmp_path / "server.key").write_text("no key")
    server.signal(signal.SIGHUP)
    server.wait_for_log("the certificate could not be loaded again; the old one stays")
    handshake(server, context)


def test_client_certificates_can_be_asked_for(https, tmp_path):
    authority, _ = make_certificate(tmp_path, "authority")
    certificate, key = make_certificate(tmp_path, "client", signed_by=tmp_path / "authority")
    server = https("--tls-client-ca", authority)
    context = trusting(tmp_path / "server.crt")
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        handshake(server, context)
    context.load_cert_chain(certificate, key)
    handshake(server, context)


@pytest.mark.parametrize("spoil", ["missing", "empty", "other key"])
def test_a_certificate_that_cannot_be_used_is_named(binary, model, tmp_path, spoil):
    certificate, key = make_certificate(tmp_path, "server")
    if spoil == "missing":
        certificate.unlink()
    elif spoil == "empty":
        certificate.write_text("")
    else:
        _, key = make_certificate(tmp_path, "other")
    finished = program.run(
        binary, "serve", "--model", model, "--port", "0", "--tls-cert", certificate,
        "--tls-key", key)
    assert finished.returncode == 2
    [line] = finished.stderr.decode().splitlines()
    assert str(tmp_path) in line
