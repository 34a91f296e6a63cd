"""Servers of images: which are offered, and what one of them has (vmm 5, 7)."""

import json

import pytest

from app.vmm import image_servers, outbound
from tests.support.pages import pages
from tests.support.vmm import on

FINGERPRINT = "85de7c1bd851aa2f" * 4
VERSIONS = {
    "20231113": {"items": {"lxd.tar.xz": {"ftype": "lxd.tar.xz", "size": 1, "combined_squashfs_sha256": "1" * 64}}},
    "20231114": {
        "items": {
            "lxd.tar.xz": {
                "ftype": "lxd.tar.xz",
                "size": 500,
                "combined_squashfs_sha256": FINGERPRINT,
                "combined_disk-kvm-img_sha256": "2" * 64,
            },
            "rootfs.squashfs": {"ftype": "squashfs", "size": 4096},
        }
    },
}
PRODUCT = {
    "aliases": "tiny/1.0,tiny", "arch": "amd64", "os": "Tiny", "release": "1.0", "release_title": "1.0",
    "variant": "default", "versions": VERSIONS,
}  # fmt: skip
INDEX = {
    "index": {"images": {"datatype": "image-downloads", "path": "streams/v1/images.json"}, "other": {"datatype": "x"}}
}
TREE = {
    "/streams/v1/index.json": json.dumps(INDEX).encode(),
    "/streams/v1/images.json": json.dumps({"products": {"tiny": PRODUCT, "empty": {}}}).encode(),
}


@pytest.fixture
def tree(tmp_path):
    """Serves what is put into it over https."""
    with pages(tmp_path) as served:
        image_servers.configure([], None, served.certificate)
        outbound.configure(["localhost"])
        yield served


def listing(tree, path=""):
    return on(0, image_server_host=tree.address + path)


@pytest.mark.rule("vmm 5")
def test_those_that_are_offered(ada):
    image_servers.configure(["https://a.example.com", "https://b.example.com"], "https://here.example.com/", None)
    found = ada.done("image.serverList", on(0))
    assert [(one["type"], one["id"], one["attributes"]) for one in found] == [
        ("image", str(number), {"image_server_host": address, "image_server_protocol": "simplestreams"})
        for number, address in enumerate(
            ("https://here.example.com/api/v1/simplestream.list", "https://a.example.com", "https://b.example.com"), 1
        )
    ]
    image_servers.configure(["https://a.example.com"], "http://here.example.com", None)
    (only,) = ada.done("image.serverList", on(0))
    assert only["attributes"]["image_server_host"] == "https://a.example.com"
    assert ada.detail(400, "image.serverList", on(0, provider="none")) == "unknown provider"
    assert ada.detail(404, "image.serverList", on(999)) == "server not found"


@pytest.mark.rule("vmm 5")
def test_the_newest_images_of_each_product(ada, tree):
    tree |= TREE
    container, machine = (one["attributes"] for one in ada.done("image.list", listing(tree)))
    assert container == {
        "image_id": container["image_id"], "server_id": 0, "image_fingerprint": FINGERPRINT,
        "image_description": "Tiny 1.0 amd64", "image_architecture": "x86_64", "image_instance_type": "container",
        "image_cached": False, "image_expires_at": 0, "image_last_used_at": 0, "image_aliases": ["tiny/1.0", "tiny"],
        "image_os": "Tiny", "image_release": "1.0", "image_size": 4596,
    }  # fmt: skip
    assert (machine["image_fingerprint"], machine["image_instance_type"]) == ("2" * 64, "virtual-machine")
    again = [one["id"] for one in ada.done("image.list", listing(tree, "/"))]
    assert again == [str(container["image_id"]), str(machine["image_id"])]


@pytest.mark.rule("vmm 8")
def test_where_we_may_be_sent(ada, tree):
    tree |= TREE
    outbound.configure([])
    (error,) = ada.refused(403, "image.list", listing(tree))
    assert error["source"] == {"pointer": "/image_server_host"}
    # What the operator names may be anywhere.
    image_servers._servers = (tree.address,)
    assert ada.done("image.list", listing(tree))
    tree["/streams/v1/index.json"] = "https://127.0.0.1:1/index.json"
    assert ada.detail(403, "image.list", listing(tree)) == "this address is not allowed"
    tree["/streams/v1/index.json"] = "http://localhost/index.json"
    assert ada.detail(400, "image.list", listing(tree)) == image_servers.NO_ADDRESS


@pytest.mark.rule("vmm 8")
def test_redirects_end(ada, tree):
    tree |= TREE
    tree["/streams/v1/index.json"] = "/a"
    tree["/a"] = f"{tree.address}/b"
    tree["/b"] = TREE["/streams/v1/index.json"]
    assert len(ada.done("image.list", listing(tree))) == 2
    tree["/b"] = "/a"
    assert ada.detail(502, "image.list", listing(tree)) == "no images there"


@pytest.mark.rule("vmm 5")
@pytest.mark.parametrize(
    "address",
    ["http://localhost", "localhost", "https://", "https://a:0/", "https://u:p@localhost/", "https://[", "file:///etc"],
)
def test_what_is_no_address(ada, tree, address):
    assert ada.detail(400, "image.list", on(0, image_server_host=address)) == image_servers.NO_ADDRESS


@pytest.mark.rule("vmm 5")
@pytest.mark.parametrize(
    "said",
    [b"", b"[]", b"{}", b'{"index": [1]}', b'{"index": {"a": {"datatype": "image-downloads", "path": 1}}}', b"\xff"],
)
def test_what_is_no_simplestreams(ada, tree, said):
    assert ada.detail(502, "image.list", listing(tree)) == "no images there"
    tree["/streams/v1/index.json"] = said
    assert ada.detail(502, "image.list", listing(tree)) == "no images there"


@pytest.mark.rule("vmm 8")
def test_who_is_not_known_and_who_says_too_much(ada, tree, monkeypatch):
    tree |= TREE
    monkeypatch.setattr(image_servers, "MAX_ANSWER", 100)
    assert ada.detail(502, "image.list", listing(tree)) == "the image server answers too much"
    image_servers.configure([], None, None)
    assert ada.detail(502, "image.list", listing(tree)) == "no connection"
