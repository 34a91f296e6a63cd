CREATE TABLE "vmm_product" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "product_id" VARCHAR(255) NOT NULL,
    "os" VARCHAR(64) NOT NULL,
    "release" VARCHAR(64) NOT NULL,
    "release_title" TEXT NOT NULL,
    "arch" VARCHAR(16) NOT NULL,
    "variant" VARCHAR(64) NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "changed_ts" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "vmm_product_product_id" ON "vmm_product" ("product_id");
CREATE TABLE "vmm_image_version" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "product_id" INTEGER NOT NULL,
    "serial" VARCHAR(16) NOT NULL,
    "changed_ts" INTEGER NOT NULL,
    FOREIGN KEY ("product_id") REFERENCES "vmm_product" ("pk") ON DELETE CASCADE
);
CREATE INDEX "vmm_image_version_changed_ts" ON "vmm_image_version" ("changed_ts");
CREATE UNIQUE INDEX "vmm_image_version_product_id_serial" ON "vmm_image_version" ("product_id", "serial");
CREATE TABLE "vmm_image_file" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "version_id" INTEGER NOT NULL,
    "name" VARCHAR(128) NOT NULL,
    "ftype" VARCHAR(32) NOT NULL,
    "size" INTEGER NOT NULL,
    "sha256" VARCHAR(64) NOT NULL,
    "combined_sha256" VARCHAR(64),
    "object_key" TEXT NOT NULL,
    "created_ts" INTEGER NOT NULL,
    FOREIGN KEY ("version_id") REFERENCES "vmm_image_version" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "vmm_image_file_object_key" ON "vmm_image_file" ("object_key");
CREATE UNIQUE INDEX "vmm_image_file_version_id_ftype" ON "vmm_image_file" ("version_id", "ftype");
CREATE TABLE "vmm_product_alias" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "product_id" INTEGER NOT NULL,
    "name" VARCHAR(128) NOT NULL,
    FOREIGN KEY ("product_id") REFERENCES "vmm_product" ("pk") ON DELETE CASCADE
);
CREATE INDEX "vmm_product_alias_product_id" ON "vmm_product_alias" ("product_id");
CREATE UNIQUE INDEX "vmm_product_alias_name" ON "vmm_product_alias" ("name");
