CREATE TABLE "mender_artifact" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "id" VARCHAR(36) NOT NULL,
    "name" VARCHAR(256) NOT NULL,
    "description" TEXT NOT NULL,
    "format_version" INTEGER NOT NULL,
    "signed" INTEGER NOT NULL,
    "device_types" TEXT NOT NULL,
    "updates" TEXT NOT NULL,
    "provides" TEXT NOT NULL,
    "depends" TEXT NOT NULL,
    "clears_provides" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "sha256" VARCHAR(64) NOT NULL,
    "object_key" VARCHAR(128) NOT NULL,
    "modified" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "mender_artifact_tenant_id_id" ON "mender_artifact" ("tenant_id", "id");
CREATE INDEX "mender_artifact_tenant_id_name_id" ON "mender_artifact" ("tenant_id", "name", "id");
CREATE TABLE "mender_artifact_combination" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "name" VARCHAR(256) NOT NULL,
    "digest" VARCHAR(64) NOT NULL,
    "artifact_id" INTEGER NOT NULL,
    FOREIGN KEY ("artifact_id") REFERENCES "mender_artifact" ("pk") ON DELETE CASCADE
);
CREATE INDEX "mender_artifact_combination_artifact_id" ON "mender_artifact_combination" ("artifact_id");
CREATE UNIQUE INDEX "mender_artifact_combination_tenant_id_name_digest" ON "mender_artifact_combination" ("tenant_id", "name", "digest");
CREATE TABLE "mender_inventory" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "device_id" VARCHAR(36) NOT NULL,
    "document" TEXT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "group_name" VARCHAR(1024),
    "revision" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "updated_ts" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "mender_inventory_tenant_id_device_id" ON "mender_inventory" ("tenant_id", "device_id");
CREATE INDEX "mender_inventory_tenant_id_status_device_id" ON "mender_inventory" ("tenant_id", "status", "device_id");
CREATE INDEX "mender_inventory_tenant_id_group_name_device_id" ON "mender_inventory" ("tenant_id", "group_name", "device_id");
CREATE INDEX "mender_inventory_tenant_id_created_ts_device_id" ON "mender_inventory" ("tenant_id", "created_ts", "device_id");
CREATE INDEX "mender_inventory_tenant_id_updated_ts_device_id" ON "mender_inventory" ("tenant_id", "updated_ts", "device_id");
CREATE TABLE "mender_attribute" (
    "device_id" INTEGER NOT NULL,
    "key_id" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "text" VARCHAR(128),
    "number" REAL,
    PRIMARY KEY ("device_id", "key_id", "position"),
    FOREIGN KEY ("device_id") REFERENCES "mender_inventory" ("pk") ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX "mender_attribute_key_id_text_device_id" ON "mender_attribute" ("key_id", "text", "device_id");
CREATE INDEX "mender_attribute_key_id_number_device_id" ON "mender_attribute" ("key_id", "number", "device_id");
CREATE TABLE "mender_attribute_key" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "scope" VARCHAR(32) NOT NULL,
    "name" VARCHAR(1024) NOT NULL,
    "digest" VARCHAR(64) NOT NULL
);
CREATE UNIQUE INDEX "mender_attribute_key_tenant_id_digest" ON "mender_attribute_key" ("tenant_id", "digest");
CREATE TABLE "mender_device" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "id" VARCHAR(36) NOT NULL,
    "identity_hash" VARCHAR(64) NOT NULL,
    "identity_data" TEXT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "decommissioning" INTEGER NOT NULL,
    "revision" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "updated_ts" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "mender_device_tenant_id_id" ON "mender_device" ("tenant_id", "id");
CREATE UNIQUE INDEX "mender_device_tenant_id_identity_hash" ON "mender_device" ("tenant_id", "identity_hash");
CREATE INDEX "mender_device_tenant_id_created_ts_id" ON "mender_device" ("tenant_id", "created_ts", "id");
CREATE INDEX "mender_device_tenant_id_status_created_ts_id" ON "mender_device" ("tenant_id", "status", "created_ts", "id");
CREATE TABLE "mender_auth_set" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "id" VARCHAR(36) NOT NULL,
    "device_id" INTEGER NOT NULL,
    "pubkey" TEXT NOT NULL,
    "pubkey_hash" VARCHAR(64) NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "ts" INTEGER NOT NULL,
    FOREIGN KEY ("device_id") REFERENCES "mender_device" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "mender_auth_set_tenant_id_id" ON "mender_auth_set" ("tenant_id", "id");
CREATE UNIQUE INDEX "mender_auth_set_device_id_pubkey_hash" ON "mender_auth_set" ("device_id", "pubkey_hash");
CREATE UNIQUE INDEX "mender_auth_set_one_accepted" ON "mender_auth_set" ("device_id") WHERE status = 'accepted';
CREATE UNIQUE INDEX "mender_auth_set_one_preauthorized" ON "mender_auth_set" ("device_id") WHERE status = 'preauthorized';
CREATE TABLE "mender_counter" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "kind" VARCHAR(32) NOT NULL,
    "key" VARCHAR(1024) NOT NULL,
    "shard" INTEGER NOT NULL,
    "n" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "mender_counter_tenant_id_kind_key_shard" ON "mender_counter" ("tenant_id", "kind", "key", "shard");
CREATE TABLE "mender_deployment" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "id" VARCHAR(36) NOT NULL,
    "name" VARCHAR(256) NOT NULL,
    "artifact_name" TEXT NOT NULL,
    "words" TEXT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "created" INTEGER NOT NULL,
    "finished" INTEGER,
    "max_devices" INTEGER NOT NULL,
    "n_pending" INTEGER NOT NULL,
    "n_downloading" INTEGER NOT NULL,
    "n_installing" INTEGER NOT NULL,
    "n_rebooting" INTEGER NOT NULL,
    "n_success" INTEGER NOT NULL,
    "n_failure" INTEGER NOT NULL,
    "n_noartifact" INTEGER NOT NULL,
    "n_already_installed" INTEGER NOT NULL,
    "n_aborted" INTEGER NOT NULL,
    "n_decommissioned" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "mender_deployment_tenant_id_id" ON "mender_deployment" ("tenant_id", "id");
CREATE INDEX "mender_deployment_tenant_id_created_id" ON "mender_deployment" ("tenant_id", "created", "id");
CREATE INDEX "mender_deployment_tenant_id_status_created_id" ON "mender_deployment" ("tenant_id", "status", "created", "id");
CREATE TABLE "mender_device_deployment" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "deployment_id" INTEGER NOT NULL,
    "device_id" VARCHAR(256) NOT NULL,
    "status" VARCHAR(32) NOT NULL,
    "open" INTEGER NOT NULL,
    "deployment_created" INTEGER NOT NULL,
    "created" INTEGER,
    "started" INTEGER,
    "finished" INTEGER,
    "artifact_id" INTEGER,
    "device_type" TEXT,
    "state" VARCHAR(32),
    "substate" TEXT,
    FOREIGN KEY ("deployment_id") REFERENCES "mender_deployment" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("artifact_id") REFERENCES "mender_artifact" ("pk") ON DELETE SET NULL
);
CREATE INDEX "mender_device_deployment_artifact_id" ON "mender_device_deployment" ("artifact_id");
CREATE UNIQUE INDEX "mender_device_deployment_deployment_id_device_id" ON "mender_device_deployment" ("deployment_id", "device_id");
CREATE INDEX "mender_device_deployment_tenant_id_device_id_open_deploy_81cabdf" ON "mender_device_deployment" ("tenant_id", "device_id", "open", "deployment_created");
CREATE TABLE "mender_deployment_log" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "device_deployment_id" INTEGER NOT NULL,
    "messages" TEXT NOT NULL,
    FOREIGN KEY ("device_deployment_id") REFERENCES "mender_device_deployment" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "mender_deployment_log_device_deployment_id" ON "mender_deployment_log" ("device_deployment_id");
CREATE TABLE "mender_device_token" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "jti" VARCHAR(36) NOT NULL,
    "auth_set_id" INTEGER NOT NULL,
    "issued_ts" INTEGER NOT NULL,
    "expires_ts" INTEGER NOT NULL,
    FOREIGN KEY ("auth_set_id") REFERENCES "mender_auth_set" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "mender_device_token_jti" ON "mender_device_token" ("jti");
CREATE INDEX "mender_device_token_auth_set_id" ON "mender_device_token" ("auth_set_id");
CREATE TABLE "core_signing_key" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "system" VARCHAR(32) NOT NULL,
    "kind" VARCHAR(32) NOT NULL,
    "kid" VARCHAR(36) NOT NULL,
    "algorithm" VARCHAR(16) NOT NULL,
    "private" TEXT NOT NULL,
    "created" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "core_signing_key_kid" ON "core_signing_key" ("kid");
CREATE UNIQUE INDEX "core_signing_key_system_kind" ON "core_signing_key" ("system", "kind");
CREATE TABLE "mender_user" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "id" VARCHAR(36) NOT NULL,
    "email" VARCHAR(256) NOT NULL,
    "password_hash" TEXT NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "updated_ts" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "mender_user_email" ON "mender_user" ("email");
CREATE UNIQUE INDEX "mender_user_tenant_id_id" ON "mender_user" ("tenant_id", "id");
CREATE TABLE "mender_user_token" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "jti" VARCHAR(36) NOT NULL,
    "user_id" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "expires_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "mender_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "mender_user_token_jti" ON "mender_user_token" ("jti");
CREATE INDEX "mender_user_token_user_id_created_ts_pk" ON "mender_user_token" ("user_id", "created_ts", "pk");
