"""Objects at rest, held against Google's own implementation in both directions."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator

import pytest
import tink
from hypothesis import given, settings
from hypothesis import strategies as st
from tink import cleartext_keyset_handle, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from app.core import crypto

FIRST = crypto.SEGMENT_BYTES - crypto.HEADER_BYTES - crypto.TAG_BYTES
OTHER = crypto.SEGMENT_BYTES - crypto.TAG_BYTES
SIZES = [0, 1, 15, 16, 17, 1000]
SIZES += [edge + by for edge in (FIRST, FIRST + OTHER, FIRST + 2 * OTHER) for by in (-1, 0, 1)]
AAD = b"0190a000000070008000000000000001"


@pytest.fixture(scope="module", autouse=True)
def _tink() -> None:
    streaming_aead.register()


def tinks(key: bytes) -> streaming_aead.StreamingAead:
    """Tink's AES256_GCM_HKDF_1MB primitive holding ``key``."""
    form = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        key_value=key,
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=1 << 20, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256
        ),
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    keyset.key.add(
        key_data=tink_pb2.KeyData(
            type_url="type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey",
            value=form.SerializeToString(),
            key_material_type=tink_pb2.KeyData.SYMMETRIC,
        ),
        status=tink_pb2.ENABLED,
        key_id=1,
        output_prefix_type=tink_pb2.RAW,
    )
    handle = cleartext_keyset_handle.read(tink.BinaryKeysetReader(keyset.SerializeToString()))
    return handle.primitive(streaming_aead.StreamingAead)


class KeepsItsBytes(io.BytesIO):
    """Tink closes what it writes to."""

    def close(self) -> None:
        self.kept = self.getvalue()
        super().close()


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def sealed(key: bytes, data: bytes, aad: bytes = AAD, piece: int = 300_000) -> bytes:
    return b"".join(crypto.encrypt_stream(key, in_pieces(data, piece), aad))


def opened(key: bytes, data: bytes, aad: bytes = AAD, piece: int = 300_000) -> bytes:
    return b"".join(crypto.decrypt_stream(key, in_pieces(data, piece), aad))


@pytest.mark.parametrize("size", SIZES)
def test_tink_opens_what_we_seal(size: int) -> None:
    key, plain = crypto.new_data_key(), os.urandom(size)
    with tinks(key).new_decrypting_stream(io.BytesIO(sealed(key, plain)), AAD) as stream:
        assert stream.read() == plain


@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_tink_seals(size: int) -> None:
    key, plain, target = crypto.new_data_key(), os.urandom(size), KeepsItsBytes()
    with tinks(key).new_encrypting_stream(target, AAD) as stream:
        stream.write(plain)
    assert len(target.kept) == crypto.compute_ciphertext_size(size)
    assert opened(key, target.kept) == plain


def test_the_parameters_are_those_of_tinks_named_template() -> None:
    template = streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB
    form = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKeyFormat.FromString(template.value)
    assert form.key_size == crypto.KEY_BYTES
    assert form.params.derived_key_size == crypto.KEY_BYTES
    assert form.params.ciphertext_segment_size == crypto.SEGMENT_BYTES
    assert form.params.hkdf_hash_type == common_pb2.SHA256


@pytest.mark.parametrize("piece", [1, 7, 4096, 1 << 20, 5 << 20])
def test_the_size_of_the_pieces_does_not_matter(piece: int) -> None:
    key, plain = crypto.new_data_key(), os.urandom(FIRST + 5 if piece > 100 else 5000)
    assert opened(key, sealed(key, plain, piece=piece), piece=piece) == plain


@given(size=st.integers(0, 40 << 20) | st.sampled_from(SIZES))
def test_sizes_translate_both_ways(size: int) -> None:
    assert crypto.compute_plaintext_size(crypto.compute_ciphertext_size(size)) == size


@given(size=st.integers(0, 4 << 20))
def test_an_impossible_size_is_refused(size: int) -> None:
    try:
        plain = crypto.compute_plaintext_size(size)
    except crypto.TamperedCiphertext:
        return
    assert crypto.compute_ciphertext_size(plain) == size


class Counting:
    """An object in a store that notes which bytes were asked for."""

    def __init__(self, key: bytes, plain: bytes) -> None:
        self.key, self.plain, self.body = key, plain, sealed(key, plain)
        self.asked: list[tuple[int, int]] = []

    def read(self, lower: int, upper: int) -> Iterator[bytes]:
        self.asked.append((lower, upper))
        return in_pieces(self.body[lower:upper], 200_000)

    def range(self, start: int, end: int | None) -> bytes:
        header = self.body[: crypto.HEADER_BYTES]
        return b"".join(
            crypto.decrypt_range(self.key, header, self.read, len(self.body), start, end, AAD)
        )


THREE_SEGMENTS = Counting(b"k" * 32, os.urandom(FIRST + OTHER + 12_345))
EXACTLY_TWO = Counting(b"k" * 32, os.urandom(FIRST + OTHER))
NOTHING = Counting(b"k" * 32, b"")
EDGES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + OTHER - 1, FIRST + OTHER, FIRST + OTHER + 1]
places = st.sampled_from(EDGES) | st.integers(0, FIRST + OTHER + 20_000)


@settings(max_examples=150, deadline=None)
@given(
    thing=st.sampled_from([THREE_SEGMENTS, EXACTLY_TWO, NOTHING]),
    start=places,
    length=st.none() | places,
)
def test_any_range_reads_as_a_slice_does(thing: Counting, start: int, length: int | None) -> None:
    end = None if length is None else start + length
    assert thing.range(start, end) == thing.plain[start:end]


@pytest.mark.parametrize(
    ("start", "end", "segments"),
    [
        (0, 10, {0}),
        (FIRST, FIRST + 1, {1}),
        (FIRST - 1, FIRST + 1, {0, 1}),
        (FIRST + OTHER, None, {2}),
        (0, None, {0, 1, 2}),
    ],
)
def test_only_the_segments_of_the_range_are_read(
    start: int, end: int | None, segments: set[int]
) -> None:
    THREE_SEGMENTS.asked.clear()
    THREE_SEGMENTS.range(start, end)
    [(lower, upper)] = THREE_SEGMENTS.asked
    assert lower // crypto.SEGMENT_BYTES == min(segments)
    assert (upper - 1) // crypto.SEGMENT_BYTES == max(segments)


@pytest.mark.parametrize("at", [0, 1, 20, 35, 41, 5000, 1 << 20, (1 << 20) + 300, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    key = crypto.new_data_key()
    body = bytearray(sealed(key, os.urandom(FIRST + 2000)))
    body[at] ^= 1
    with pytest.raises(crypto.TamperedCiphertext):
        opened(key, bytes(body))


@pytest.mark.parametrize("kept", [0, 10, 40, 56, 1 << 20, (1 << 20) + 16, 2 << 20])
def test_a_cut_object_is_noticed(kept: int) -> None:
    key = crypto.new_data_key()
    body = sealed(key, os.urandom(FIRST + OTHER + 2000))[:kept]
    with pytest.raises(crypto.TamperedCiphertext):
        opened(key, body)
    with pytest.raises(crypto.TamperedCiphertext):
        list(
            crypto.decrypt_range(
                key, body[:40], lambda a, b: [body[a:b]], len(body), FIRST + OTHER + 5, None, AAD
            )
        )


def test_what_follows_the_end_is_noticed() -> None:
    key = crypto.new_data_key()
    with pytest.raises(crypto.TamperedCiphertext):
        opened(key, sealed(key, b"report") + b"x")


def test_segments_cannot_change_places() -> None:
    key, size = crypto.new_data_key(), crypto.SEGMENT_BYTES
    body = sealed(key, os.urandom(FIRST + 3 * OTHER))
    with pytest.raises(crypto.TamperedCiphertext):
        opened(
            key, body[:size] + body[2 * size : 3 * size] + body[size : 2 * size] + body[3 * size :]
        )


def test_an_object_opens_only_as_itself() -> None:
    key = crypto.new_data_key()
    with pytest.raises(crypto.TamperedCiphertext):
        opened(key, sealed(key, b"report"), aad=b"another object")
    with pytest.raises(crypto.TamperedCiphertext):
        opened(crypto.new_data_key(), sealed(key, b"report"))


# Envelope keys and short texts

OLD, NEW = crypto.new_master_key("2025"), crypto.new_master_key("2026")


def test_a_wrapped_key_opens_for_its_object_only() -> None:
    ring, key = crypto.Keyring(OLD), crypto.new_data_key()
    wrapped = ring.wrap(key, "one")
    assert ring.unwrap(wrapped, "one") == key
    assert base64.b64encode(key).decode() not in wrapped
    with pytest.raises(crypto.TamperedCiphertext):
        ring.unwrap(wrapped, "two")
    with pytest.raises(crypto.TamperedCiphertext):
        ring.unwrap(wrapped[:-6] + "AAAA==", "one")
    with pytest.raises(crypto.TamperedCiphertext):
        ring.unwrap(wrapped[:9], "one")


def test_rotation_leaves_the_objects_as_they_are() -> None:
    key = crypto.new_data_key()
    wrapped = crypto.Keyring(OLD).wrap(key, "one")
    both = crypto.Keyring(f"{NEW}, {OLD}")
    rewrapped = both.rewrap(wrapped, "one")
    assert rewrapped.startswith("2026.")
    assert both.rewrap(rewrapped, "one") == rewrapped
    assert crypto.Keyring(NEW).unwrap(rewrapped, "one") == key
    with pytest.raises(crypto.UnknownMasterKey):
        crypto.Keyring(NEW).unwrap(wrapped, "one")


def test_a_text_opens_only_where_it_belongs() -> None:
    ring = crypto.Keyring(OLD)
    for text in ("", "Rodríguez_MRI.zip", "تقرير الأشعة"):
        secret = ring.encrypt_text(text, "records.name")
        assert ring.decrypt_text(secret, "records.name") == text
        assert secret != ring.encrypt_text(text, "records.name")
        with pytest.raises(crypto.TamperedCiphertext):
            ring.decrypt_text(secret, "cases.story")
        with pytest.raises(crypto.TamperedCiphertext):
            ring.unwrap(secret, "records.name")
    both = crypto.Keyring(f"{NEW},{OLD}")
    again = both.reencrypt_text(ring.encrypt_text("hello", "c"), "c")
    assert crypto.Keyring(NEW).decrypt_text(again, "c") == "hello"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "abc",
        "k:",
        "k:!!!",
        "k:" + "A" * 24,
        ":" + "A" * 44,
        f"{OLD},{OLD}",
        "k 1:" + "A" * 44,
    ],
    ids=[
        "empty",
        "commas",
        "no name",
        "no key",
        "not base64",
        "short",
        "empty name",
        "twice",
        "space in name",
    ],
)
def test_bad_master_keys_stop_with_a_sentence_that_shows_no_key(text: str) -> None:
    with pytest.raises(crypto.BadMasterKeys) as refused:
        crypto.Keyring(text)
    assert OLD.partition(":")[2] not in str(refused.value)


def test_a_keyring_does_not_print_its_keys() -> None:
    assert repr(crypto.Keyring(f"{NEW},{OLD}")) == "Keyring(2026, 2025)"
