"""Images that LXD hosts get from this server: products, their versions, and the files of those."""

from peewee import BigIntegerField, ForeignKeyField

from models.base import BaseModel, CChar, CText, UtcField


class Product(BaseModel):
    """What versions are of; its id is `os:release:arch:variant`."""

    product_id = CChar(max_length=255, unique=True)
    os = CChar(max_length=64)
    release = CChar(max_length=64)
    release_title = CText()
    arch = CChar(max_length=16)
    variant = CChar(max_length=64)
    created_ts = UtcField()
    changed_ts = UtcField()  # when what is listed of it changed last

    class Meta:
        table_name = "vmm_product"


class ProductAlias(BaseModel):
    """Another name of a product, which no other product has."""

    product = ForeignKeyField(Product, on_delete="CASCADE")
    name = CChar(max_length=128, unique=True)

    class Meta:
        table_name = "vmm_product_alias"


class ImageVersion(BaseModel):
    """A version of a product; `changed_ts` is when its last file came."""

    product = ForeignKeyField(Product, on_delete="CASCADE", index=False)
    serial = CChar(max_length=16)
    changed_ts = UtcField(index=True)

    class Meta:
        table_name = "vmm_image_version"
        indexes = ((("product", "serial"), True),)


class ImageFile(BaseModel):
    """A file of a version. A root whose `combined_sha256` is not NULL is an image together with the metadata."""

    version = ForeignKeyField(ImageVersion, on_delete="CASCADE", index=False)
    name = CChar(max_length=128)
    ftype = CChar(max_length=32)
    size = BigIntegerField()
    sha256 = CChar(max_length=64)
    combined_sha256 = CChar(max_length=64, null=True)
    object_key = CText(unique=True)
    created_ts = UtcField()

    class Meta:
        table_name = "vmm_image_file"
        indexes = ((("version", "ftype"), True),)
