CREATE TABLE "mender_inventory" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL,
    "device_id" VARCHAR(36) COLLATE "C" NOT NULL,
    "document" TEXT COLLATE "C" NOT NULL,
    "status" VARCHAR(16) COLLATE "C" NOT NULL,
    "group_name" VARCHAR(1024) COLLATE "C",
    "revision" INTEGER NOT NULL,
    "created_ts" BIGINT NOT NULL,
    "updated_ts" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "mender_inventory_tenant_id_device_id" ON "mender_inventory" ("tenant_id", "device_id");
CREATE INDEX "mender_inventory_tenant_id_status_device_id" ON "mender_inventory" ("tenant_id", "status", "device_id");
CREATE INDEX "mender_inventory_tenant_id_group_name_device_id" ON "mender_inventory" ("tenant_id", "group_name", "device_id");
CREATE INDEX "mender_inventory_tenant_id_created_ts_device_id" ON "mender_inventory" ("tenant_id", "created_ts", "device_id");
CREATE INDEX "mender_inventory_tenant_id_updated_ts_device_id" ON "mender_inventory" ("tenant_id", "updated_ts", "device_id");
CREATE TABLE "mender_attribute" (
    "device_id" BIGINT NOT NULL,
    "key_id" BIGINT NOT NULL,
    "position" INTEGER NOT NULL,
    "text" VARCHAR(128) COLLATE "C",
    "number" DOUBLE PRECISION,
    PRIMARY KEY ("device_id", "key_id", "position"),
    FOREIGN KEY ("device_id") REFERENCES "mender_inventory" ("pk") ON DELETE CASCADE
);
CREATE INDEX "mender_attribute_key_id_text_device_id" ON "mender_attribute" ("key_id", "text", "device_id");
CREATE INDEX "mender_attribute_key_id_number_device_id" ON "mender_attribute" ("key_id", "number", "device_id");
CREATE TABLE "mender_attribute_key" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL,
    "scope" VARCHAR(32) COLLATE "C" NOT NULL,
    "name" VARCHAR(1024) COLLATE "C" NOT NULL,
    "digest" VARCHAR(64) COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX "mender_attribute_key_tenant_id_digest" ON "mender_attribute_key" ("tenant_id", "digest");
CREATE TABLE "mender_device" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL,
    "id" VARCHAR(36) COLLATE "C" NOT NULL,
    "identity_hash" VARCHAR(64) COLLATE "C" NOT NULL,
    "identity_data" TEXT COLLATE "C" NOT NULL,
    "status" VARCHAR(16) COLLATE "C" NOT NULL,
    "decommissioning" BOOLEAN NOT NULL,
    "revision" INTEGER NOT NULL,
    "created_ts" BIGINT NOT NULL,
    "updated_ts" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "mender_device_tenant_id_id" ON "mender_device" ("tenant_id", "id");
CREATE UNIQUE INDEX "mender_device_tenant_id_identity_hash" ON "mender_device" ("tenant_id", "identity_hash");
CREATE INDEX "mender_device_tenant_id_created_ts_id" ON "mender_device" ("tenant_id", "created_ts", "id");
CREATE INDEX "mender_device_tenant_id_status_created_ts_id" ON "mender_device" ("tenant_id", "status", "created_ts", "id");
CREATE TABLE "mender_auth_set" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL,
    "id" VARCHAR(36) COLLATE "C" NOT NULL,
    "device_id" BIGINT NOT NULL,
    "pubkey" TEXT COLLATE "C" NOT NULL,
    "pubkey_hash" VARCHAR(64) COLLATE "C" NOT NULL,
    "status" VARCHAR(16) COLLATE "C" NOT NULL,
    "ts" BIGINT NOT NULL,
    FOREIGN KEY ("device_id") REFERENCES "mender_device" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "mender_auth_set_tenant_id_id" ON "mender_auth_set" ("tenant_id", "id");
CREATE UNIQUE INDEX "mender_auth_set_device_id_pubkey_hash" ON "mender_auth_set" ("device_id", "pubkey_hash");
CREATE UNIQUE INDEX "mender_auth_set_one_accepted" ON "mender_auth_set" ("device_id") WHERE status = 'accepted';
CREATE UNIQUE INDEX "mender_auth_set_one_preauthorized" ON "mender_auth_set" ("device_id") WHERE status = 'preauthorized';
CREATE TABLE "mender_counter" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL,
    "kind" VARCHAR(32) COLLATE "C" NOT NULL,
    "key" VARCHAR(1024) COLLATE "C" NOT NULL,
    "shard" SMALLINT NOT NULL,
    "n" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "mender_counter_tenant_id_kind_key_shard" ON "mender_counter" ("tenant_id", "kind", "key", "shard");
CREATE TABLE "mender_device_token" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL,
    "jti" VARCHAR(36) COLLATE "C" NOT NULL,
    "auth_set_id" BIGINT NOT NULL,
    "issued_ts" BIGINT NOT NULL,
    "expires_ts" BIGINT NOT NULL,
    FOREIGN KEY ("auth_set_id") REFERENCES "mender_auth_set" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "mender_device_token_jti" ON "mender_device_token" ("jti");
CREATE INDEX "mender_device_token_auth_set_id" ON "mender_device_token" ("auth_set_id");
CREATE TABLE "core_signing_key" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "system" VARCHAR(32) COLLATE "C" NOT NULL,
    "kind" VARCHAR(32) COLLATE "C" NOT NULL,
    "kid" VARCHAR(36) COLLATE "C" NOT NULL,
    "algorithm" VARCHAR(16) COLLATE "C" NOT NULL,
    "private" TEXT COLLATE "C" NOT NULL,
    "created" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "core_signing_key_kid" ON "core_signing_key" ("kid");
CREATE UNIQUE INDEX "core_signing_key_system_kind" ON "core_signing_key" ("system", "kind");
CREATE TABLE "mender_user" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL,
    "id" VARCHAR(36) COLLATE "C" NOT NULL,
    "email" VARCHAR(256) COLLATE "C" NOT NULL,
    "password_hash" TEXT COLLATE "C" NOT NULL,
    "created_ts" BIGINT NOT NULL,
    "updated_ts" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "mender_user_email" ON "mender_user" ("email");
CREATE UNIQUE INDEX "mender_user_tenant_id_id" ON "mender_user" ("tenant_id", "id");
CREATE TABLE "mender_user_token" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL,
    "jti" VARCHAR(36) COLLATE "C" NOT NULL,
    "user_id" BIGINT NOT NULL,
    "created_ts" BIGINT NOT NULL,
    "expires_ts" BIGINT NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "mender_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "mender_user_token_jti" ON "mender_user_token" ("jti");
CREATE INDEX "mender_user_token_user_id_created_ts_pk" ON "mender_user_token" ("user_id", "created_ts", "pk");
