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
INSERT INTO "mender_artifact" VALUES(1,'','6484b31f-5f40-425e-ba88-7c42e80906b9','release-1','',3,0,'["board"]','[{"type_info":{"type":"single-file"},"files":[{"name":"file","checksum":"e63266e06b5f22806d9dd1252ac7c4d99c912e5e208cdadfa2a460effe696ffd","size":700,"date":"2026-11-25T09:46:40Z"}],"meta_data":{"reboot":false}}]','{"artifact_name":"release-1"}','{"device_type":["board"],"region":["eu"]}','[]',10240,'2464dc4edce4e2a6bab3531745eb56a97a71298a48aa549a7e27fecd54c708ab','mender/artifacts/6484b31f-5f40-425e-ba88-7c42e80906b9',1795591721936438);
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
INSERT INTO "mender_auth_set" VALUES(1,'','0d30b304-10c5-4b04-b0b8-07129563fad1',1,'-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGs405ZHj4kQ7ABs1+Moe+Q8Nu4sr
1kPUImsBXG8lVOu1YP66kX9VKLKrJY+MCwlcV3CQI+f0afmOoE90vNiOVQ==
-----END PUBLIC KEY-----
','3c6c1d80c928960acbb02a1c500a30237395d3c88a80b28555f98c5edb7d67a4','accepted',1795591721273967);
INSERT INTO "mender_auth_set" VALUES(2,'','50c93677-1dde-4c2f-94f0-22efe05a8953',2,'-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEExVNiqZAnkWcUe88Rpt04iecLkMT
KCwJKDtw//LfeMkKfIxPTdpSGs4BXw1dxZMxcDmdZtVs6sBAeGdlL+hFkg==
-----END PUBLIC KEY-----
','07bbe181bf267962315452e0a901257bac056d2de075b36d62711bab72df9737','pending',1795591721585267);
INSERT INTO "mender_auth_set" VALUES(3,'','b4a5d024-3c77-4141-a141-1d555c4f8a51',3,'-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEggjumEWMs8V7mcSxuCJIxeE5KiOU
cXoM6RL/DcENbgAYarjEx9fiei8bDWUd7qkHg2m/V61/8Nsz+5A5uO1MNA==
-----END PUBLIC KEY-----
','6819bdb116de8c130175105d6ea07b6e58bd741d30b159aef251a7a9adb1fdff','rejected',1795591721666778);
CREATE TABLE "mender_counter" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "kind" VARCHAR(32) NOT NULL,
    "key" VARCHAR(1024) NOT NULL,
    "shard" INTEGER NOT NULL,
    "n" INTEGER NOT NULL
);
INSERT INTO "mender_counter" VALUES(1,'','device','pending',5,3);
INSERT INTO "mender_counter" VALUES(2,'','inventory','',5,3);
INSERT INTO "mender_counter" VALUES(3,'','inventory_status','pending',5,3);
INSERT INTO "mender_counter" VALUES(4,'','device','accepted',7,1);
INSERT INTO "mender_counter" VALUES(5,'','device','pending',7,-2);
INSERT INTO "mender_counter" VALUES(6,'','inventory_status','accepted',7,1);
INSERT INTO "mender_counter" VALUES(7,'','inventory_status','pending',7,-2);
INSERT INTO "mender_counter" VALUES(8,'','device','rejected',7,1);
INSERT INTO "mender_counter" VALUES(9,'','inventory_status','rejected',7,1);
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
INSERT INTO "mender_deployment" VALUES(1,'','b2c8d75f-56a6-4567-9294-6cb8d128c4ba','production','release-1',' production release 1 ','inprogress',1795591721965979,NULL,2,1,0,0,0,0,1,0,0,0,0);
INSERT INTO "mender_deployment" VALUES(2,'','95fef7ba-c076-4e00-a732-b41fbe3f5433','next try','release-1',' next try release 1 ','pending',1795591722123115,NULL,1,1,0,0,0,0,0,0,0,0,0);
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
INSERT INTO "mender_device" VALUES(1,'','73a34092-5141-482f-8a8f-2fa590cb64ed','7e7d08e5762d10587b382a2adc129e9ee3b2a31da865d1d03de52bf19834244d','{"mac":"02:00:00:00:00:01","sn":"1"}','accepted',0,2,1795591721273967,1795591721459130);
INSERT INTO "mender_device" VALUES(2,'','d011ecbf-98a7-478e-adf1-b902775edd10','22c8977bb6949dd58ab135b82448144ed3d1d425a096f93a112cb7e8ca14e62e','{"mac":"02:00:00:00:00:02"}','pending',0,1,1795591721585267,1795591721585267);
INSERT INTO "mender_device" VALUES(3,'','f161aa5a-f1ee-49d9-b045-bbb6a2b297e7','bf55115519e433ab2a453bf5509c25fce42a288548d1c3be5d59bb87665f51a2','{"mac":"02:00:00:00:00:03"}','rejected',0,2,1795591721666778,1795591721805336);
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
INSERT INTO "mender_device_deployment" VALUES(1,'',1,'73a34092-5141-482f-8a8f-2fa590cb64ed','failure',0,1795591721965979,1795591721983799,1795591722067996,1795591722067996,1,'board','failure',NULL);
INSERT INTO "mender_device_deployment" VALUES(2,'',1,'device-never-seen','pending',1,1795591721965979,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "mender_device_deployment" VALUES(3,'',2,'73a34092-5141-482f-8a8f-2fa590cb64ed','pending',1,1795591722123115,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "mender_device_token" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "jti" VARCHAR(36) NOT NULL,
    "auth_set_id" INTEGER NOT NULL,
    "issued_ts" INTEGER NOT NULL,
    "expires_ts" INTEGER NOT NULL,
    FOREIGN KEY ("auth_set_id") REFERENCES "mender_auth_set" ("pk") ON DELETE CASCADE
);
INSERT INTO "mender_device_token" VALUES(1,'','0d30b304-10c5-4b04-b0b8-07129563fad1',1,1795591721493205,1796196521493205);
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
INSERT INTO "mender_inventory" VALUES(1,'','73a34092-5141-482f-8a8f-2fa590cb64ed','{"id":"73a34092-5141-482f-8a8f-2fa590cb64ed","updated_ts":"2026-11-25T07:28:41.841161Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:01"},{"name":"sn","scope":"identity","value":"1"},{"name":"status","scope":"identity","value":"accepted"},{"name":"artifact_name","scope":"inventory","value":"base"},{"name":"device_type","scope":"inventory","value":"board"},{"name":"load","scope":"inventory","value":0.5},{"name":"ports","scope":"inventory","value":["eth0","eth1"]},{"name":"created_ts","scope":"system","value":"2026-11-25T07:28:41.288475Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:28:41.841161Z"}]}','accepted',NULL,2,1795591721288475,1795591721841161);
INSERT INTO "mender_inventory" VALUES(2,'','d011ecbf-98a7-478e-adf1-b902775edd10','{"id":"d011ecbf-98a7-478e-adf1-b902775edd10","updated_ts":"2026-11-25T07:28:41.586528Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:02"},{"name":"status","scope":"identity","value":"pending"},{"name":"created_ts","scope":"system","value":"2026-11-25T07:28:41.586528Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:28:41.586528Z"}]}','pending',NULL,1,1795591721586528,1795591721586528);
INSERT INTO "mender_inventory" VALUES(3,'','f161aa5a-f1ee-49d9-b045-bbb6a2b297e7','{"id":"f161aa5a-f1ee-49d9-b045-bbb6a2b297e7","updated_ts":"2026-11-25T07:28:41.667922Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:03"},{"name":"status","scope":"identity","value":"rejected"},{"name":"created_ts","scope":"system","value":"2026-11-25T07:28:41.667922Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:28:41.667922Z"}]}','rejected',NULL,2,1795591721667922,1795591721667922);
CREATE TABLE "mender_user" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "id" VARCHAR(36) NOT NULL,
    "email" VARCHAR(256) NOT NULL,
    "password_hash" TEXT NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "updated_ts" INTEGER NOT NULL
);
INSERT INTO "mender_user" VALUES(1,'','08cabd1a-54da-48db-8bcd-19ce5a0baefd','ada@example.com','$argon2id$v=19$m=65536,t=3,p=4$CejRqMGXqLMl3MPCT6HWSA$QirMO20d6KJLShfwryOECyf702hCE8a+ygyVDFKyUGk',1795591720564382,1795591720564382);
CREATE TABLE "mender_user_token" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "jti" VARCHAR(36) NOT NULL,
    "user_id" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "expires_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "mender_user" ("pk") ON DELETE CASCADE
);
INSERT INTO "mender_user_token" VALUES(1,'','686c80b2-bc6f-4d14-a187-2e628abff93b',1,1795591721206683,1796196521206683);
CREATE TABLE "schema_migration" ("id" INTEGER NOT NULL PRIMARY KEY, "name" VARCHAR(255) NOT NULL, "applied" DATETIME NOT NULL);
INSERT INTO "schema_migration" VALUES(1,'0001_initial','2026-11-25 07:28:36.467483');
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
