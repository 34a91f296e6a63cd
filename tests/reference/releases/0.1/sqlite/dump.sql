BEGIN TRANSACTION;
CREATE TABLE "core_signing_key" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "system" VARCHAR(32) NOT NULL,
    "kind" VARCHAR(32) NOT NULL,
    "kid" VARCHAR(36) NOT NULL,
    "algorithm" VARCHAR(16) NOT NULL,
    "private" TEXT NOT NULL,
    "created" INTEGER NOT NULL
);
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
INSERT INTO "mender_artifact" VALUES(1,'','e9d7df1a-6d69-4f65-9cec-8e0d74b0a052','release-1','',3,0,'["board"]','[{"type_info":{"type":"single-file"},"files":[{"name":"file","checksum":"e63266e06b5f22806d9dd1252ac7c4d99c912e5e208cdadfa2a460effe696ffd","size":700,"date":"2026-11-25T09:46:40Z"}],"meta_data":{"reboot":false}}]','{"artifact_name":"release-1"}','{"device_type":["board"],"region":["eu"]}','[]',10240,'2464dc4edce4e2a6bab3531745eb56a97a71298a48aa549a7e27fecd54c708ab','mender/artifacts/e9d7df1a-6d69-4f65-9cec-8e0d74b0a052',1795591864928815);
CREATE TABLE "mender_artifact_combination" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "name" VARCHAR(256) NOT NULL,
    "digest" VARCHAR(64) NOT NULL,
    "artifact_id" INTEGER NOT NULL,
    FOREIGN KEY ("artifact_id") REFERENCES "mender_artifact" ("pk") ON DELETE CASCADE
);
INSERT INTO "mender_artifact_combination" VALUES(1,'','release-1','fa9902adc4ec758f89c0b70e8893a5c54d9faa8f2e3730d10b92af0e2d5c7439',1);
CREATE TABLE "mender_attribute" (
    "device_id" INTEGER NOT NULL,
    "key_id" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "text" VARCHAR(128),
    "number" REAL,
    PRIMARY KEY ("device_id", "key_id", "position"),
    FOREIGN KEY ("device_id") REFERENCES "mender_inventory" ("pk") ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO "mender_attribute" VALUES(1,1,0,'02:00:00:00:00:01',NULL);
INSERT INTO "mender_attribute" VALUES(1,2,0,'1',NULL);
INSERT INTO "mender_attribute" VALUES(1,3,0,'base',NULL);
INSERT INTO "mender_attribute" VALUES(1,4,0,'board',NULL);
INSERT INTO "mender_attribute" VALUES(1,5,0,NULL,0.5);
INSERT INTO "mender_attribute" VALUES(1,6,0,'eth0',NULL);
INSERT INTO "mender_attribute" VALUES(1,6,1,'eth1',NULL);
INSERT INTO "mender_attribute" VALUES(2,1,0,'02:00:00:00:00:02',NULL);
INSERT INTO "mender_attribute" VALUES(3,1,0,'02:00:00:00:00:03',NULL);
CREATE TABLE "mender_attribute_key" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "scope" VARCHAR(32) NOT NULL,
    "name" VARCHAR(1024) NOT NULL,
    "digest" VARCHAR(64) NOT NULL
);
INSERT INTO "mender_attribute_key" VALUES(1,'','identity','mac','6aef78bb48ae75a2a93e0643f7d0782e42e281d65d87116cb494f6b043dce67d');
INSERT INTO "mender_attribute_key" VALUES(2,'','identity','sn','6d9f046cd7f7518909d42cf8112774d7c96f58d6600f020ac2c0d43f77f352f5');
INSERT INTO "mender_attribute_key" VALUES(3,'','inventory','artifact_name','c2597cebe56d027edf0d5b6bd7632176d26ce5665d29a7790bc45bace33421fe');
INSERT INTO "mender_attribute_key" VALUES(4,'','inventory','device_type','8581779d384ad437bafe863b86ae0804f9b1f88ea5903d6f0c64bb17c44924a8');
INSERT INTO "mender_attribute_key" VALUES(5,'','inventory','load','ac703117ea0894a232a46a94681e21728b46b1d8e27c910cb83cb66b7fe0bed3');
INSERT INTO "mender_attribute_key" VALUES(6,'','inventory','ports','d5673f741687ee4b070fceb163d948464bb905b803949e713be23be8c21a673b');
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
INSERT INTO "mender_auth_set" VALUES(1,'','79157acf-2c6c-4927-bd52-b1b1c5206e5c',1,'-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEoLLkF2jq6pzRw3JyBHN8jOA+/s/E
uuOFKaMNEoyHJ+cQEgJ+VNRQPAGS8lnLgI/1+1jwR6OaAYYyLlc31wI2iQ==
-----END PUBLIC KEY-----
','26b946f2c933eedf1d7a488e81930f741807b34496b6164a966c4841dee296b7','accepted',1795591864236396);
INSERT INTO "mender_auth_set" VALUES(2,'','bf3c3789-f11a-40d9-a60a-13be0506288c',2,'-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEX+cFAQygkGBo5PTO+c9GJRibFvC9
Qdg6BKV4wA7JngGjL0o9Bl8NvOCro/EU5iQX8vZ1HfDuk4DaHZ6p2Lk+8w==
-----END PUBLIC KEY-----
','08337968fce8f24ec357582091f598bda1ed332aef484788eaf5f208eecb11e4','pending',1795591864541008);
INSERT INTO "mender_auth_set" VALUES(3,'','dbe08fad-43e0-45fc-bf5d-ad5c933023f0',3,'-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQLlfu0VYKRbdTMhvGXUmSqTatQzg
FrpFiViFP9ZHkyyqWhU0nmDFPNYX+TED0mFJD6GlFOstK8vzQKeluyQgww==
-----END PUBLIC KEY-----
','3bf1415afc1cf36576507597ff9b60c68c148323cf6aae58355996a9014b6f6d','rejected',1795591864645049);
CREATE TABLE "mender_counter" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "kind" VARCHAR(32) NOT NULL,
    "key" VARCHAR(1024) NOT NULL,
    "shard" INTEGER NOT NULL,
    "n" INTEGER NOT NULL
);
INSERT INTO "mender_counter" VALUES(1,'','device','pending',1,3);
INSERT INTO "mender_counter" VALUES(2,'','inventory','',1,3);
INSERT INTO "mender_counter" VALUES(3,'','inventory_status','pending',1,3);
INSERT INTO "mender_counter" VALUES(4,'','device','accepted',4,1);
INSERT INTO "mender_counter" VALUES(5,'','device','pending',4,-2);
INSERT INTO "mender_counter" VALUES(6,'','inventory_status','accepted',4,1);
INSERT INTO "mender_counter" VALUES(7,'','inventory_status','pending',4,-2);
INSERT INTO "mender_counter" VALUES(8,'','device','rejected',4,1);
INSERT INTO "mender_counter" VALUES(9,'','inventory_status','rejected',4,1);
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
INSERT INTO "mender_deployment" VALUES(1,'','81499661-25ea-43d4-9e14-996d68b60929','production','release-1',' production release 1 ','inprogress',1795591864954949,NULL,2,1,0,0,0,0,1,0,0,0,0);
INSERT INTO "mender_deployment" VALUES(2,'','18c79933-ee96-4326-b77c-586c0aad2d9c','next try','release-1',' next try release 1 ','pending',1795591865107079,NULL,1,1,0,0,0,0,0,0,0,0,0);
CREATE TABLE "mender_deployment_log" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "device_deployment_id" INTEGER NOT NULL,
    "messages" TEXT NOT NULL,
    FOREIGN KEY ("device_deployment_id") REFERENCES "mender_device_deployment" ("pk") ON DELETE CASCADE
);
INSERT INTO "mender_deployment_log" VALUES(1,'',1,'[{"timestamp":"2026-11-25T05:33:12Z","level":"error","message":"no space left"}]');
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
INSERT INTO "mender_device" VALUES(1,'','d613e6bb-d21d-41e4-969a-5316a1bd4b2c','7e7d08e5762d10587b382a2adc129e9ee3b2a31da865d1d03de52bf19834244d','{"mac":"02:00:00:00:00:01","sn":"1"}','accepted',0,2,1795591864236396,1795591864421726);
INSERT INTO "mender_device" VALUES(2,'','22d587b1-8477-4e2f-959f-7105bf2f9598','22c8977bb6949dd58ab135b82448144ed3d1d425a096f93a112cb7e8ca14e62e','{"mac":"02:00:00:00:00:02"}','pending',0,1,1795591864541008,1795591864541008);
INSERT INTO "mender_device" VALUES(3,'','1c6ed54d-3f7c-43fa-af2f-bdaaca084c0c','bf55115519e433ab2a453bf5509c25fce42a288548d1c3be5d59bb87665f51a2','{"mac":"02:00:00:00:00:03"}','rejected',0,2,1795591864645049,1795591864816617);
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
INSERT INTO "mender_device_deployment" VALUES(1,'',1,'d613e6bb-d21d-41e4-969a-5316a1bd4b2c','failure',0,1795591864954949,1795591864973338,1795591865047532,1795591865047532,1,'board','failure',NULL);
INSERT INTO "mender_device_deployment" VALUES(2,'',1,'device-never-seen','pending',1,1795591864954949,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "mender_device_deployment" VALUES(3,'',2,'d613e6bb-d21d-41e4-969a-5316a1bd4b2c','pending',1,1795591865107079,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "mender_device_token" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "jti" VARCHAR(36) NOT NULL,
    "auth_set_id" INTEGER NOT NULL,
    "issued_ts" INTEGER NOT NULL,
    "expires_ts" INTEGER NOT NULL,
    FOREIGN KEY ("auth_set_id") REFERENCES "mender_auth_set" ("pk") ON DELETE CASCADE
);
INSERT INTO "mender_device_token" VALUES(1,'','79157acf-2c6c-4927-bd52-b1b1c5206e5c',1,1795591864451128,1796196664451128);
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
INSERT INTO "mender_inventory" VALUES(1,'','d613e6bb-d21d-41e4-969a-5316a1bd4b2c','{"id":"d613e6bb-d21d-41e4-969a-5316a1bd4b2c","updated_ts":"2026-11-25T07:31:04.846766Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:01"},{"name":"sn","scope":"identity","value":"1"},{"name":"status","scope":"identity","value":"accepted"},{"name":"artifact_name","scope":"inventory","value":"base"},{"name":"device_type","scope":"inventory","value":"board"},{"name":"load","scope":"inventory","value":0.5},{"name":"ports","scope":"inventory","value":["eth0","eth1"]},{"name":"created_ts","scope":"system","value":"2026-11-25T07:31:04.238106Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:31:04.846766Z"}]}','accepted',NULL,2,1795591864238106,1795591864846766);
INSERT INTO "mender_inventory" VALUES(2,'','22d587b1-8477-4e2f-959f-7105bf2f9598','{"id":"22d587b1-8477-4e2f-959f-7105bf2f9598","updated_ts":"2026-11-25T07:31:04.542132Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:02"},{"name":"status","scope":"identity","value":"pending"},{"name":"created_ts","scope":"system","value":"2026-11-25T07:31:04.542132Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:31:04.542132Z"}]}','pending',NULL,1,1795591864542132,1795591864542132);
INSERT INTO "mender_inventory" VALUES(3,'','1c6ed54d-3f7c-43fa-af2f-bdaaca084c0c','{"id":"1c6ed54d-3f7c-43fa-af2f-bdaaca084c0c","updated_ts":"2026-11-25T07:31:04.646124Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:03"},{"name":"status","scope":"identity","value":"rejected"},{"name":"created_ts","scope":"system","value":"2026-11-25T07:31:04.646124Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:31:04.646124Z"}]}','rejected',NULL,2,1795591864646124,1795591864646124);
CREATE TABLE "mender_user" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "id" VARCHAR(36) NOT NULL,
    "email" VARCHAR(256) NOT NULL,
    "password_hash" TEXT NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "updated_ts" INTEGER NOT NULL
);
INSERT INTO "mender_user" VALUES(1,'','a4989965-2d71-4ea1-b684-b47732510ae6','ada@example.com','$argon2id$v=19$m=65536,t=3,p=4$COJ5/ddYSZnzL/c9e+Ix2A$ZKcFUOVDxHtxI7SJ5Zaf5YMfCO2ugEaM1us8XUK3SSM',1795591863419426,1795591863419426);
CREATE TABLE "mender_user_token" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "jti" VARCHAR(36) NOT NULL,
    "user_id" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "expires_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "mender_user" ("pk") ON DELETE CASCADE
);
INSERT INTO "mender_user_token" VALUES(1,'','6448dde3-0d82-42a5-b5bf-121c8ab7730b',1,1795591864151877,1796196664151877);
CREATE TABLE "schema_migration" ("id" INTEGER NOT NULL PRIMARY KEY, "name" VARCHAR(255) NOT NULL, "applied" DATETIME NOT NULL);
INSERT INTO "schema_migration" VALUES(1,'0001_initial','2026-11-25 07:30:59.711171');
CREATE UNIQUE INDEX "schema_migration_name" ON "schema_migration" ("name");
CREATE UNIQUE INDEX "mender_artifact_tenant_id_id" ON "mender_artifact" ("tenant_id", "id");
CREATE INDEX "mender_artifact_tenant_id_name_id" ON "mender_artifact" ("tenant_id", "name", "id");
CREATE INDEX "mender_artifact_combination_artifact_id" ON "mender_artifact_combination" ("artifact_id");
CREATE UNIQUE INDEX "mender_artifact_combination_tenant_id_name_digest" ON "mender_artifact_combination" ("tenant_id", "name", "digest");
CREATE UNIQUE INDEX "mender_inventory_tenant_id_device_id" ON "mender_inventory" ("tenant_id", "device_id");
CREATE INDEX "mender_inventory_tenant_id_status_device_id" ON "mender_inventory" ("tenant_id", "status", "device_id");
CREATE INDEX "mender_inventory_tenant_id_group_name_device_id" ON "mender_inventory" ("tenant_id", "group_name", "device_id");
CREATE INDEX "mender_inventory_tenant_id_created_ts_device_id" ON "mender_inventory" ("tenant_id", "created_ts", "device_id");
CREATE INDEX "mender_inventory_tenant_id_updated_ts_device_id" ON "mender_inventory" ("tenant_id", "updated_ts", "device_id");
CREATE INDEX "mender_attribute_key_id_text_device_id" ON "mender_attribute" ("key_id", "text", "device_id");
CREATE INDEX "mender_attribute_key_id_number_device_id" ON "mender_attribute" ("key_id", "number", "device_id");
CREATE UNIQUE INDEX "mender_attribute_key_tenant_id_digest" ON "mender_attribute_key" ("tenant_id", "digest");
CREATE UNIQUE INDEX "mender_device_tenant_id_id" ON "mender_device" ("tenant_id", "id");
CREATE UNIQUE INDEX "mender_device_tenant_id_identity_hash" ON "mender_device" ("tenant_id", "identity_hash");
CREATE INDEX "mender_device_tenant_id_created_ts_id" ON "mender_device" ("tenant_id", "created_ts", "id");
CREATE INDEX "mender_device_tenant_id_status_created_ts_id" ON "mender_device" ("tenant_id", "status", "created_ts", "id");
CREATE UNIQUE INDEX "mender_auth_set_tenant_id_id" ON "mender_auth_set" ("tenant_id", "id");
CREATE UNIQUE INDEX "mender_auth_set_device_id_pubkey_hash" ON "mender_auth_set" ("device_id", "pubkey_hash");
CREATE UNIQUE INDEX "mender_auth_set_one_accepted" ON "mender_auth_set" ("device_id") WHERE status = 'accepted';
CREATE UNIQUE INDEX "mender_auth_set_one_preauthorized" ON "mender_auth_set" ("device_id") WHERE status = 'preauthorized';
CREATE UNIQUE INDEX "mender_counter_tenant_id_kind_key_shard" ON "mender_counter" ("tenant_id", "kind", "key", "shard");
CREATE UNIQUE INDEX "mender_deployment_tenant_id_id" ON "mender_deployment" ("tenant_id", "id");
CREATE INDEX "mender_deployment_tenant_id_created_id" ON "mender_deployment" ("tenant_id", "created", "id");
CREATE INDEX "mender_deployment_tenant_id_status_created_id" ON "mender_deployment" ("tenant_id", "status", "created", "id");
CREATE INDEX "mender_device_deployment_artifact_id" ON "mender_device_deployment" ("artifact_id");
CREATE UNIQUE INDEX "mender_device_deployment_deployment_id_device_id" ON "mender_device_deployment" ("deployment_id", "device_id");
CREATE INDEX "mender_device_deployment_tenant_id_device_id_open_deploy_81cabdf" ON "mender_device_deployment" ("tenant_id", "device_id", "open", "deployment_created");
CREATE UNIQUE INDEX "mender_deployment_log_device_deployment_id" ON "mender_deployment_log" ("device_deployment_id");
CREATE UNIQUE INDEX "mender_device_token_jti" ON "mender_device_token" ("jti");
CREATE INDEX "mender_device_token_auth_set_id" ON "mender_device_token" ("auth_set_id");
CREATE UNIQUE INDEX "core_signing_key_kid" ON "core_signing_key" ("kid");
CREATE UNIQUE INDEX "core_signing_key_system_kind" ON "core_signing_key" ("system", "kind");
CREATE UNIQUE INDEX "mender_user_email" ON "mender_user" ("email");
CREATE UNIQUE INDEX "mender_user_tenant_id_id" ON "mender_user" ("tenant_id", "id");
CREATE UNIQUE INDEX "mender_user_token_jti" ON "mender_user_token" ("jti");
CREATE INDEX "mender_user_token_user_id_created_ts_pk" ON "mender_user_token" ("user_id", "created_ts", "pk");
COMMIT;
