"""Keys, certificates and signed tokens for one control plane, made by the `openssl` command.

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/testing/certs.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

__all__ = ["Authority"]

_LEAF = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
"""


@attrs.frozen
class Authority:
    """A certificate authority of its own in a folder, and the key that service-account tokens are signed with.

    Attributes:
        folder: where the files are; it must exist.
    """

    folder: Path

    @property
    def certificate(self) -> Path:
        """The authority's own certificate."""
        return self.folder / "ca.crt"

    @property
    def signing_key(self) -> Path:
        """The private key that signs service-account tokens."""
        return self.folder / "tokens.key"

    @property
    def verifying_key(self) -> Path:
        """The public key that verifies service-account tokens."""
        return self.folder / "tokens.pub"

    def create(self) -> None:
        """Make the authority and the signing key."""
        self._key("ca")
        self._openssl(
            "req -x509 -new -key ca.key -out ca.crt -days 2 -subj /CN=informers-test-ca "
            "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,digitalSignature"
        )
        self._openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out tokens.key")
        self._openssl("pkey -in tokens.key -pubout -out tokens.pub")

    def issue(self, name: str, *, organizations: tuple[str, ...] = (), names: str = "") -> tuple[Path, Path]:
        """Return a certificate and its key for a common name, made on the first call.

        Args:
            name: common name; to the API server, the user.
            organizations: to the API server, the user's groups.
            names: alternative names as openssl writes them, for example `DNS:localhost,IP:127.0.0.1`.
        """
        stem = "".join(letter if letter.isalnum() else "-" for letter in name)
        certificate, key = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        if not certificate.exists():
            self._key(stem)
            (self.folder / f"{stem}.ext").write_text(_LEAF + (f"subjectAltName = {names}\n" if names else ""))
            subject = "".join(f"/O={organization}" for organization in organizations) + f"/CN={name}"
            self._openssl(f"req -new -key {stem}.key -out {stem}.csr -subj", subject)
            self._openssl(
                f"x509 -req -in {stem}.csr -CA ca.crt -CAkey ca.key -days 2 -set_serial {uuid.uuid4().int >> 1} "
                f"-extfile {stem}.ext -out {stem}.crt"
            )
        return certificate, key

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Return a JSON web token of these claims, signed by the service accounts' key."""
        parts = [_encode(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
        unsigned = ".".join(parts)
        signature = self._openssl("dgst -sha256 -sign tokens.key", stdin=unsigned.encode())
        return f"{unsigned}.{_encode(signature)}"

    def _key(self, stem: str) -> None:
        self._openssl(f"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {stem}.key")

    def _openssl(self, command: str, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a command of words without spaces, followed by arguments that may have some."""
        program = shutil.which("openssl") or "openssl"
        done = subprocess.run(  # noqa: S603  arguments of our own
            (program, *command.split(), *arguments),
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"openssl {command} failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout


def _encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
