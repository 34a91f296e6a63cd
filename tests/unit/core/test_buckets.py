"""A folder, S3 and Azure hold objects alike; a bucket is claimed, signs addresses and fails as unavailable."""

import os
import re
import ssl
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from app.core import bucket, storage
from app.core.errors import NotFound, Unavailable
from app.core.local_store import CHUNK, LocalStore
from app.core.storage_url import open_store, parse
from tests.support import buckets, certificates
from tests.support.server import free_port

pytestmark = pytest.mark.xdist_group("buckets")

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module", autouse=True)
def credentials():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in buckets.CREDENTIALS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with buckets.s3(tmp_path_factory.mktemp("s3")) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def azure(tmp_path_factory):
    with buckets.azure(tmp_path_factory.mktemp("azure")) as endpoint:
        yield endpoint


@pytest.fixture(params=["s3", "az"])
def place(request):
    """A new bucket or container."""
    if request.param == "s3":
        return buckets.s3_bucket(request.getfixturevalue("s3"))
    return buckets.azure_container(request.getfixturevalue("azure"))


@pytest.fixture(params=["file", "s3", "az"])
def store(request, tmp_path):
    """A new store of each kind, configured."""
    if request.param == "file":
        opened = LocalStore(tmp_path / "objects")
    elif request.param == "s3":
        opened = open_store(buckets.s3_bucket(request.getfixturevalue("s3")).url)
    else:
        opened = open_store(buckets.azure_container(request.getfixturevalue("azure")).url)
    storage.configure(opened, tmp_path / "spool", signed_downloads=True)
    return opened


def staged(content: bytes = b"content") -> Path:
    file = storage.spool_dir() / f"{os.urandom(4).hex()}.part"
    file.write_bytes(content)
    return file


def test_an_object_is_whole_and_leaves_the_spool(store):
    content = os.urandom(bucket.PART * 2 + 12345)
    storage.adopt(staged(content), "mender/artifacts/one")
    assert not list(storage.spool_dir().iterdir())
    assert storage.size("mender/artifacts/one") == len(content)
    read = storage.reader("mender/artifacts/one")
    chunks = list(read(0, len(content)))
    assert b"".join(chunks) == content
    assert all(type(chunk) is bytes and 0 < len(chunk) <= CHUNK for chunk in chunks)
    for offset, length in ((0, 1), (len(content) - 1, 1), (bucket.PART - 7, 20), (5, bucket.PART), (9, 0)):
        assert b"".join(read(offset, length)) == content[offset : offset + length]


def test_an_empty_object(store):
    storage.adopt(staged(b""), "empty")
    assert storage.size("empty") == 0
    assert b"".join(storage.reader("empty")(0, 0)) == b""


def test_a_deleted_object_is_gone_and_may_be_deleted_again(store):
    storage.adopt(staged(), "a/one")
    storage.delete("a/one")
    storage.delete("a/one")
    for use in (storage.reader, storage.size):
        with pytest.raises(NotFound):
            use("a/one")


def test_keys_keep_to_their_place(store):
    for key in ("", "/", "/x", "..", "a/../x", "a//b", "./a", "a\0b"):
        for use in (storage.reader, storage.size, storage.delete, lambda key: storage.adopt(staged(), key)):
            with pytest.raises(ValueError, match="not an object key"):
                use(key)


def test_what_is_old_and_not_listed_is_removed(store, monkeypatch):
    store.claim("me")
    for key in ("a/listed", "a/orphan", "ab/other"):
        storage.adopt(staged(), key)
    assert storage.reconcile(["a/listed"]) == []
    monkeypatch.setattr(storage, "ORPHAN", -MINUTE)
    assert storage.reconcile(["a/listed"], "a") == ["a/orphan"]
    assert storage.reconcile(["a/listed"]) == ["ab/other"]
    assert storage.size("a/listed") == 7
    store.claim("me")


def test_a_place_is_one_owners_and_a_prefix_is_a_place(place):
    open_store(place.url).claim("me")
    open_store(place.url).claim("me")
    with pytest.raises(ValueError, match=r"another Flotilla .* give it a prefix"):
        open_store(place.url).claim("you")
    open_store(place.url.replace("/fleet", "/second")).claim("you")


def test_a_signed_address_gives_the_object_to_anyone_until_it_ends(place, tmp_path):
    storage.configure(open_store(place.url), tmp_path / "spool", signed_downloads=True)
    content = os.urandom(1000)
    storage.adopt(staged(content), "one", media_type="application/x-one", filename='é "x".mender')
    assert storage.signed_url("one", MINUTE).startswith(place.endpoint)
    answer = httpx.get(storage.signed_url("one", MINUTE), headers={"Range": "bytes=10-"})
    assert (answer.status_code, answer.content) == (206, content[10:])
    assert answer.headers["content-type"] == "application/x-one"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%A9%20%22x%22.mender"
    for secret in buckets.CREDENTIALS.values():
        assert secret == buckets.CREDENTIALS["AWS_ACCESS_KEY_ID"] or secret not in storage.signed_url("one", MINUTE)
    storage.configure(open_store(place.url), tmp_path / "spool")
    assert storage.signed_url("one", MINUTE) is None


def test_a_signed_address_is_of_the_name_that_clients_know(place, tmp_path):
    store = open_store(place.url + "&public_endpoint=https://files.example.com/x")
    storage.configure(store, tmp_path / "spool", signed_downloads=True)
    storage.adopt(staged(), "one")
    assert storage.signed_url("one", MINUTE).startswith("https://files.example.com/x/")
    assert storage.size("one") == 7


def test_a_bucket_that_is_not_there_is_told_when_it_is_claimed(place):
    with pytest.raises(
        ValueError, match=r"^the bucket of STORAGE_URL cannot be used: [^\n]*(NoSuchBucket|ContainerNotFound)[^\n]*$"
    ):
        open_store(place.url.replace(place.name, "no-such-place")).claim("me")


@pytest.mark.parametrize("kind", ["s3", "az"])
def test_a_bucket_that_does_not_answer_is_unavailable(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("app.core.storage_url.RETRIES", {"max_retries": 0})
    account = "&account=x" if kind == "az" else "&region=us-east-1"
    store = open_store(f"{kind}://bucket?endpoint=http://127.0.0.1:{free_port()}{account}")
    storage.configure(store, tmp_path / "spool")
    file = staged()
    for use in (
        lambda: storage.adopt(file, "one"),
        lambda: storage.size("one"),
        lambda: storage.delete("one"),
        lambda: storage.reconcile([]),
        lambda: list(store.read("one", 0, 5)),
    ):
        with pytest.raises(Unavailable) as refused:
            use()
        assert refused.value.detail == "the file store does not answer"
    assert file.exists()


def test_a_store_with_an_authority_of_its_own(tmp_path, monkeypatch):
    """CA_FILE, as for a bucket on a machine of one's own."""
    certificates.self_signed(tmp_path)
    certificate = tmp_path / "cert.pem"
    with buckets.s3(tmp_path, "-c", str(certificate), "-k", str(tmp_path / "key.pem"), scheme="https") as endpoint:
        url = buckets.s3_bucket(endpoint, ssl.create_default_context(cafile=certificate)).url
        open_store(url, certificate).claim("me")
        monkeypatch.setattr("app.core.storage_url.RETRIES", {"max_retries": 0})
        with pytest.raises(ValueError, match="cannot be used"):
            open_store(url).claim("me")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("ftp://x", "write file:/FOLDER, s3://BUCKET/PREFIX or az://CONTAINER/PREFIX"),
        ("/srv/objects", "write file:/FOLDER"),
        ("file:objects", "an absolute path"),
        ("file://host/objects", "an absolute path"),
        ("s3:///prefix", "the name of a bucket"),
        ("az://", "the name of a container"),
        ("s3://KEY:SECRET@bucket", "credentials come by AWS_"),
        ("s3://bucket?acount=x", "unknown option acount; there are: endpoint, public_endpoint, region"),
        ("file:/objects?region=x", "unknown option region; there are: none"),
    ],
)
def test_a_url_that_names_no_store(url, fault):
    with pytest.raises(ValueError, match=re.escape(fault)):
        parse(url)


def test_a_file_that_takes_long_to_send_needs_no_memory_for_it(place, tmp_path):
    """Parts of 5 MiB, two at once."""
    storage.configure(open_store(place.url), tmp_path / "spool")
    file = storage.spool_dir() / "big"
    with file.open("wb") as big:
        big.truncate(48 * 1024 * 1024)
    before = _resident()
    storage.adopt(file, "big")
    total = 0
    for chunk in storage.reader("big")(0, 48 * 1024 * 1024):
        total += len(chunk)
    assert total == 48 * 1024 * 1024
    assert _resident() - before < 40 * 1024 * 1024


def _resident() -> int:
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
