"""Images for LXD hosts (vmm 7)."""

from app.vmm import image_uploads, simplestreams
from app.vmm.documents import document


def add_product(body: dict):
    """What images are of."""
    return document(simplestreams.add(body))


def upload_image(body: dict):
    """A file of an image."""
    named = body.get("payload") or body
    return document(image_uploads.upload(body["file"], named["product_id"], named["product_version_serial"]))


def list_products():
    """All products with their complete versions."""
    return document([simplestreams.describe(listed) for listed in simplestreams.catalogue()])


def list_image_files():
    """All files of complete versions."""
    return document(simplestreams.images())


def get_index():
    """Where the images are listed."""
    return simplestreams.index()


def get_index_below_images():
    """The same."""
    return simplestreams.index()


def get_stream():
    """The images."""
    return simplestreams.stream()


def get_stream_below_images():
    """The same."""
    return simplestreams.stream()


def download_image_file(product_id: str, serial: str, file_name: str):
    """A file."""
    return simplestreams.open_file(product_id, serial, file_name)


def download_image_file_below_images(product_id: str, serial: str, file_name: str):
    """The same."""
    return simplestreams.open_file(product_id, serial, file_name)
