"""The encrypted store on a real folder and on an S3 server, both behaving alike."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.blobs import BlobMissing, BlobStore, SegmentStore
from app.core.crypto import Keyring, TamperedCiphertext, new_data_key, new_master_key
from app.core.ids import new_id

MIB = 1 << 20
RING = Keyring(new_master_key("test"))
SENTENCE = b"Histology: moderately differentiated adenocarcinoma. "


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["file", "s3"])
def address(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "file":
        return tmp_path.as_uri()
    endpoint = request.getfixturevalue("s3_server")
    for name, text in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, text)
    import boto3

    bucket = f"records-{new_id()}"
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=bucket)
    return f"s3://{bucket}/some/prefix"


@pytest.fixture
def store(address: str) -> BlobStore:
    return BlobStore(address, RING)


def test_what_was_put_is_read(store: BlobStore) -> None:
    object_id, plain = new_id(), os.urandom(10 * MIB + 77)
    stored = store.put(object_id, [plain[: 3 * MIB], plain[3 * MIB :]])
    assert (stored.size, stored.sha256) == (len(plain), hashlib.sha256(plain).hexdigest())
    assert b"".join(store.read(object_id, stored.wrapped_key)) == plain
    middle = store.read(object_id, stored.wrapped_key, 5 * MIB, 7 * MIB + 1)
    assert b"".join(middle) == plain[5 * MIB : 7 * MIB + 1]


def test_an_empty_object(store: BlobStore) -> None:
    object_id = new_id()
    stored = store.put(object_id, [])
    assert stored.size == 0
    assert b"".join(store.read(object_id, stored.wrapped_key)) == b""


def test_a_missing_object_is_named_before_the_first_byte(store: BlobStore) -> None:
    wrapped = store.put(object_id := new_id(), [b"x"]).wrapped_key
    assert store.exists(object_id)
    store.delete(object_id)
    store.delete(object_id)
    assert not store.exists(object_id)
    with pytest.raises(BlobMissing):
        store.read(object_id, wrapped)


def test_an_object_whose_source_breaks_never_appears(store: BlobStore) -> None:
    def breaking() -> Iterator[bytes]:
        yield from (os.urandom(MIB) for _ in range(20))
        raise ConnectionResetError

    object_id = new_id()
    with pytest.raises(ConnectionResetError):
        store.put(object_id, breaking())
    assert not store.exists(object_id)


def test_an_object_cannot_stand_in_for_another(store: BlobStore) -> None:
    one, two = store.put("a" * 32, [b"one"]), store.put("b" * 32, [b"two"])
    assert one.wrapped_key != two.wrapped_key
    with pytest.raises(TamperedCiphertext):
        store.read("a" * 32, two.wrapped_key)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=st.integers(0, 3 * MIB), length=st.none() | st.integers(0, 3 * MIB))
def test_any_range(store: BlobStore, start: int, length: int | None) -> None:
    plain = (SENTENCE * (2 * MIB // len(SENTENCE) + 1))[: 2 * MIB + 99]
    kept = getattr(store, "kept", None)
    if kept is None:
        kept = store.kept = store.put("c" * 32, [plain])  # type: ignore[attr-defined]
    end = None if length is None else start + length
    assert b"".join(store.read("c" * 32, kept.wrapped_key, start, end)) == plain[start:end]


def test_nothing_lies_on_disk_in_the_clear_not_even_for_a_moment(tmp_path: Path) -> None:
    store, seen = BlobStore(tmp_path.as_uri(), RING), []

    def watched() -> Iterator[bytes]:
        for _ in range(24):
            yield SENTENCE * (MIB // len(SENTENCE))
            seen.extend(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    store.put(new_id(), watched())
    seen.extend(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert any(len(piece) > MIB for piece in seen)
    assert not any(SENTENCE[:16] in piece for piece in seen)


def test_memory_does_not_grow_with_the_object(tmp_path: Path) -> None:
    store, object_id = BlobStore(tmp_path.as_uri(), RING), new_id()
    tracemalloc.start()
    stored = store.put(object_id, (bytes(MIB) for _ in range(96)))
    assert sum(len(piece) for piece in store.read(object_id, stored.wrapped_key)) == 96 * MIB
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 * MIB


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    store = BlobStore(tmp_path.as_uri(), RING)
    for change in (
        lambda b: b[:-1],
        lambda b: b"",
        lambda b: b[:100] + b"x" + b[101:],
        lambda b: b + b"x",
    ):
        object_id = new_id()
        stored = store.put(object_id, [SENTENCE * 1000])
        [path] = tmp_path.rglob(object_id)
        path.write_bytes(change(path.read_bytes()))
        with pytest.raises(TamperedCiphertext):
            list(store.read(object_id, stored.wrapped_key))


@pytest.mark.parametrize(
    "url", ["", "/srv/records", "file://", "ftp://host/x", "s3:///x", "file://elsewhere/srv"]
)
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="STORAGE_URL"):
        BlobStore(url, RING)


@pytest.mark.parametrize("object_id", ["", "a", "../etc/passwd", "a/b", "a b", "x" * 65])
def test_an_id_that_is_a_path_is_refused(object_id: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="object id"):
        BlobStore(tmp_path.as_uri(), RING).put(object_id, [])


def test_who_has_no_master_key_adds_segments_and_never_changes_one(
    store: BlobStore, address: str
) -> None:
    segments, key, object_id = SegmentStore(address), new_data_key(), new_id()
    assert not segments.has(object_id)
    assert segments.add(object_id, key, SENTENCE)
    assert segments.has(object_id)
    assert not segments.add(object_id, key, b"something else"), "what is stored stays"
    assert b"".join(store.read(object_id, store.wrap(key, object_id))) == SENTENCE
    with pytest.raises(TamperedCiphertext):
        b"".join(store.read(object_id, store.wrap(new_data_key(), object_id)))
