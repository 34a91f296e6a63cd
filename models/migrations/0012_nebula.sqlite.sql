CREATE TABLE "nebula_app" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "number" INTEGER NOT NULL,
    "document" TEXT NOT NULL
);
CREATE UNIQUE INDEX "nebula_app_name" ON "nebula_app" ("name");
CREATE TABLE "nebula_cron_job" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "number" INTEGER NOT NULL,
    "document" TEXT NOT NULL
);
CREATE UNIQUE INDEX "nebula_cron_job_name" ON "nebula_cron_job" ("name");
CREATE TABLE "nebula_device" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "device_group" VARCHAR(255) NOT NULL,
    "hostname" VARCHAR(255) NOT NULL,
    "seen_ts" INTEGER NOT NULL,
    "created" INTEGER NOT NULL,
    "ids" TEXT NOT NULL,
    "ids_digest" VARCHAR(64) NOT NULL
);
CREATE UNIQUE INDEX "nebula_device_device_group_hostname" ON "nebula_device" ("device_group", "hostname");
CREATE INDEX "nebula_device_seen_ts" ON "nebula_device" ("seen_ts");
CREATE TABLE "nebula_device_group" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "number" INTEGER NOT NULL,
    "prune_id" INTEGER NOT NULL,
    "revision" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "nebula_device_group_name" ON "nebula_device_group" ("name");
CREATE TABLE "nebula_device_group_member" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "group_id" INTEGER NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "position" INTEGER NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    FOREIGN KEY ("group_id") REFERENCES "nebula_device_group" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "nebula_device_group_member_group_id_kind_name" ON "nebula_device_group_member" ("group_id", "kind", "name");
CREATE INDEX "nebula_device_group_member_kind_name" ON "nebula_device_group_member" ("kind", "name");
CREATE TABLE "nebula_report" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "inserted_ts" INTEGER NOT NULL,
    "device_group" VARCHAR(255) NOT NULL,
    "hostname" VARCHAR(255) NOT NULL,
    "created" INTEGER NOT NULL,
    "updated" INTEGER NOT NULL,
    "document" TEXT NOT NULL
);
CREATE INDEX "nebula_report_inserted_ts_pk" ON "nebula_report" ("inserted_ts", "pk");
CREATE INDEX "nebula_report_device_group_inserted_ts_pk" ON "nebula_report" ("device_group", "inserted_ts", "pk");
CREATE INDEX "nebula_report_hostname_inserted_ts_pk" ON "nebula_report" ("hostname", "inserted_ts", "pk");
CREATE TABLE "nebula_user_group" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "admin" INTEGER NOT NULL,
    "pruning_allowed" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "nebula_user_group_name" ON "nebula_user_group" ("name");
CREATE TABLE "nebula_right" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "group_id" INTEGER NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "position" INTEGER NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "level" INTEGER NOT NULL,
    FOREIGN KEY ("group_id") REFERENCES "nebula_user_group" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "nebula_right_group_id_kind_name" ON "nebula_right" ("group_id", "kind", "name");
CREATE TABLE "nebula_user" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "password_hash" TEXT NOT NULL,
    "token_digest" VARCHAR(64) NOT NULL,
    "version" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "nebula_user_name" ON "nebula_user" ("name");
CREATE UNIQUE INDEX "nebula_user_token_digest" ON "nebula_user" ("token_digest");
CREATE TABLE "nebula_user_group_member" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "group_id" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "user_name" VARCHAR(255) NOT NULL,
    FOREIGN KEY ("group_id") REFERENCES "nebula_user_group" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "nebula_user_group_member_group_id_user_name" ON "nebula_user_group_member" ("group_id", "user_name");
CREATE INDEX "nebula_user_group_member_user_name" ON "nebula_user_group_member" ("user_name");
