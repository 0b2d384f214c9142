"""Key pairs, and the certificate chain by which the server proves itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pyaileys.crypto.curve import DefaultCurve25519Provider
from pyaileys.proto import WAProto_pb2 as proto

if TYPE_CHECKING:
    from pyaileys.auth.creds import KeyPair

CURVE = DefaultCurve25519Provider()
INTERMEDIATE_SERIAL = 3
LEAF_SERIAL = 4
CERTIFICATE_LIFE_SECONDS = 30 * 86_400


class Authority:
    """The root that clients trust, the server's own key, and the chain between them."""

    def __init__(self) -> None:
        self.root = CURVE.generate_keypair()
        self.server = CURVE.generate_keypair()
        self.chain = self._issue()

    def _issue(self) -> bytes:
        intermediate = CURVE.generate_keypair()
        chain = proto.CertChain()
        chain.intermediate.details = _details(INTERMEDIATE_SERIAL, 0, intermediate.public)
        chain.leaf.details = _details(LEAF_SERIAL, INTERMEDIATE_SERIAL, self.server.public)
        _sign(chain.intermediate, self.root)
        _sign(chain.leaf, intermediate)
        return chain.SerializeToString()


def _details(serial: int, issuer: int, key: bytes) -> bytes:
    now = int(time.time())
    details = proto.CertChain.NoiseCertificate.Details(
        serial=serial,
        issuerSerial=issuer,
        key=key,
        notBefore=now - 86_400,
        notAfter=now + CERTIFICATE_LIFE_SECONDS,
    )
    return details.SerializeToString()


def _sign(certificate: proto.CertChain.NoiseCertificate, issuer: KeyPair) -> None:
    certificate.signature = CURVE.sign(issuer.private, certificate.details)
