"""The hospital's electronic signature on a document (PAdES baseline B-B, ETSI EN 319 142-1)."""

from __future__ import annotations

import io
from datetime import timedelta

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.opinions.models import SigningKey

SIGNING_PURPOSE = "opinions"
CERTIFICATE_LIFETIME = timedelta(days=3650)


def ensure_hospital_key(session: Session, hospital: str) -> SigningKey:
    """The hospital's key, made on first use. Should two runners make one at once, the unique index
    lets one stand and the other job runs again.
    """
    found = session.scalars(select(SigningKey).where(SigningKey.purpose == SIGNING_PURPOSE)).first()
    if found is not None:
        return found
    private = ec.generate_private_key(ec.SECP256R1())
    made = SigningKey(
        purpose=SIGNING_PURPOSE,
        certificate=_make_certificate(private, hospital)
        .public_bytes(serialization.Encoding.PEM)
        .decode(),
        private_key=private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    )
    session.add(made)
    session.flush()
    return made


def sign_pdf(pdf: bytes, key: SigningKey, *, name: str, reason: str) -> bytes:
    """The PDF with an invisible signature that certifies it: no later change is allowed."""
    certificate, private = _read_certificate(key.certificate), _read_private_key(key.private_key)
    signer = signers.SimpleSigner(
        signing_cert=certificate,
        signing_key=private,
        cert_registry=SimpleCertificateStore.from_certs([certificate]),
    )
    how = signers.PdfSignatureMetadata(
        field_name="Opinion",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        name=name,
        reason=reason,
    )
    out = io.BytesIO()
    signers.PdfSigner(how, signer).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out)
    return out.getvalue()


def is_pdf_genuine(pdf: bytes, certificate: str) -> bool:
    """Whether the whole file is as the holder of ``certificate`` (PEM) signed it, and nothing was
    added since.

    pyHanko's ``valid`` speaks of the signed bytes alone; ``bottom_line`` also of what was done
    to the file afterwards.
    """
    try:
        [signature] = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
        trusted = ValidationContext(trust_roots=[_read_certificate(certificate)])
        return bool(validate_pdf_signature(signature, trusted).bottom_line)
    except (PdfError, SignatureValidationError, ValueError):
        return False


def _make_certificate(private: ec.EllipticCurvePrivateKey, hospital: str) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, hospital[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, hospital[:64]),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + CERTIFICATE_LIFETIME)
        .add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )


def _read_certificate(text: str) -> asn1_x509.Certificate:
    found = x509.load_pem_x509_certificate(text.encode())
    return asn1_x509.Certificate.load(found.public_bytes(serialization.Encoding.DER))


def _read_private_key(text: str) -> asn1_keys.PrivateKeyInfo:
    found = serialization.load_pem_private_key(text.encode(), None)
    return asn1_keys.PrivateKeyInfo.load(
        found.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
