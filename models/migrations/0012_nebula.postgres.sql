CREATE TABLE "nebula_app" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "number" BIGINT NOT NULL,
    "document" TEXT NOT NULL
);
CREATE UNIQUE INDEX "nebula_app_name" ON "nebula_app" ("name");
CREATE TABLE "nebula_cron_job" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "number" BIGINT NOT NULL,
    "document" TEXT NOT NULL
);
CREATE UNIQUE INDEX "nebula_cron_job_name" ON "nebula_cron_job" ("name");
CREATE TABLE "nebula_device" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "device_group" VARCHAR(255) COLLATE "C" NOT NULL,
    "hostname" VARCHAR(255) COLLATE "C" NOT NULL,
    "seen_ts" BIGINT NOT NULL,
    "created" BIGINT NOT NULL,
    "ids" TEXT NOT NULL,
    "ids_digest" VARCHAR(64) COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX "nebula_device_device_group_hostname" ON "nebula_device" ("device_group", "hostname");
CREATE INDEX "nebula_device_seen_ts" ON "nebula_device" ("seen_ts");
CREATE TABLE "nebula_device_group" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "number" BIGINT NOT NULL,
    "prune_id" BIGINT NOT NULL,
    "revision" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "nebula_device_group_name" ON "nebula_device_group" ("name");
CREATE TABLE "nebula_device_group_member" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "group_id" BIGINT NOT NULL,
    "kind" VARCHAR(16) COLLATE "C" NOT NULL,
    "position" INTEGER NOT NULL,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    FOREIGN KEY ("group_id") REFERENCES "nebula_device_group" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "nebula_device_group_member_group_id_kind_name" ON "nebula_device_group_member" ("group_id", "kind", "name");
CREATE INDEX "nebula_device_group_member_kind_name" ON "nebula_device_group_member" ("kind", "name");
CREATE TABLE "nebula_report" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "inserted_ts" BIGINT NOT NULL,
    "device_group" VARCHAR(255) COLLATE "C" NOT NULL,
    "hostname" VARCHAR(255) COLLATE "C" NOT NULL,
    "created" BIGINT NOT NULL,
    "updated" BOOLEAN NOT NULL,
    "document" TEXT COLLATE "C" NOT NULL
);
CREATE INDEX "nebula_report_inserted_ts_pk" ON "nebula_report" ("inserted_ts", "pk");
CREATE INDEX "nebula_report_device_group_inserted_ts_pk" ON "nebula_report" ("device_group", "inserted_ts", "pk");
CREATE INDEX "nebula_report_hostname_inserted_ts_pk" ON "nebula_report" ("hostname", "inserted_ts", "pk");
CREATE TABLE "nebula_user_group" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "admin" BOOLEAN NOT NULL,
    "pruning_allowed" BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX "nebula_user_group_name" ON "nebula_user_group" ("name");
CREATE TABLE "nebula_right" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "group_id" BIGINT NOT NULL,
    "kind" VARCHAR(16) COLLATE "C" NOT NULL,
    "position" INTEGER NOT NULL,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "level" SMALLINT NOT NULL,
    FOREIGN KEY ("group_id") REFERENCES "nebula_user_group" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "nebula_right_group_id_kind_name" ON "nebula_right" ("group_id", "kind", "name");
CREATE TABLE "nebula_user" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "password_hash" TEXT COLLATE "C" NOT NULL,
    "token_digest" VARCHAR(64) COLLATE "C" NOT NULL,
    "version" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "nebula_user_name" ON "nebula_user" ("name");
CREATE UNIQUE INDEX "nebula_user_token_digest" ON "nebula_user" ("token_digest");
CREATE TABLE "nebula_user_group_member" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "group_id" BIGINT NOT NULL,
    "position" INTEGER NOT NULL,
    "user_name" VARCHAR(255) COLLATE "C" NOT NULL,
    FOREIGN KEY ("group_id") REFERENCES "nebula_user_group" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "nebula_user_group_member_group_id_user_name" ON "nebula_user_group_member" ("group_id", "user_name");
CREATE INDEX "nebula_user_group_member_user_name" ON "nebula_user_group_member" ("user_name");
