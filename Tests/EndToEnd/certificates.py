"""Certificates for tests of TLS, made with the openssl program."""

import ssl
import subprocess


def make_certificate(folder, name, signed_by=None,
                     names="DNS:localhost,IP:127.0.0.1"):
    """A key and a certificate for the loopback interface, by itself or by an authority."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    by = ["-CA", f"{signed_by}.crt", "-CAkey", f"{signed_by}.key"] if signed_by else []
    common = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc",
              "-keyout", key, "-subj", f"/CN={name}",
              "-addext", f"subjectAltName={names}"]
    subprocess.run(["openssl", "req", "-x509", "-days", "2", *by, *common, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


def trusting(certificate, **versions):
    context = ssl.create_default_context(cafile=str(certificate))
    for name, version in versions.items():
        setattr(context, name, version)
    return context
