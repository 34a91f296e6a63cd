CREATE TABLE "ngenea_bucket" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "label" TEXT COLLATE "C" NOT NULL,
    "storage_type" VARCHAR(16) COLLATE "C" NOT NULL,
    "endpoint" TEXT COLLATE "C" NOT NULL,
    "port" INTEGER,
    "scheme" TEXT COLLATE "C" NOT NULL,
    "region" TEXT COLLATE "C" NOT NULL,
    "ssl_verify" BOOLEAN NOT NULL,
    "migration_target_folder" TEXT COLLATE "C" NOT NULL,
    "advanced_settings" TEXT NOT NULL,
    "secrets" TEXT COLLATE "C" NOT NULL,
    "soft_deleting" BOOLEAN NOT NULL,
    "created_ts" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "ngenea_bucket_name" ON "ngenea_bucket" ("name");
CREATE TABLE "ngenea_user" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "username" VARCHAR(150) COLLATE "C" NOT NULL,
    "password_hash" TEXT COLLATE "C" NOT NULL,
    "first_name" TEXT COLLATE "C" NOT NULL,
    "last_name" TEXT COLLATE "C" NOT NULL,
    "email" TEXT COLLATE "C" NOT NULL,
    "is_active" BOOLEAN NOT NULL,
    "is_superuser" BOOLEAN NOT NULL,
    "profile" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "date_joined_ts" BIGINT NOT NULL,
    "last_login_ts" BIGINT
);
CREATE UNIQUE INDEX "ngenea_user_username" ON "ngenea_user" ("username");
CREATE INDEX "ngenea_user_is_superuser_is_active" ON "ngenea_user" ("is_superuser", "is_active");
CREATE TABLE "ngenea_client_key" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "user_id" BIGINT NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "prefix" VARCHAR(8) COLLATE "C" NOT NULL,
    "key_hash" VARCHAR(64) COLLATE "C" NOT NULL,
    "created_ts" BIGINT NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "ngenea_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_client_key_prefix" ON "ngenea_client_key" ("prefix");
CREATE UNIQUE INDEX "ngenea_client_key_user_id_name" ON "ngenea_client_key" ("user_id", "name");
CREATE TABLE "ngenea_site" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(64) COLLATE "C" NOT NULL,
    "label" TEXT COLLATE "C" NOT NULL,
    "shortcode" VARCHAR(64) COLLATE "C" NOT NULL,
    "color" TEXT NOT NULL,
    "timezone" TEXT COLLATE "C" NOT NULL,
    "bandwidth" BIGINT,
    "type" TEXT COLLATE "C" NOT NULL,
    "public_url" TEXT COLLATE "C" NOT NULL,
    "am_i_configured" BOOLEAN NOT NULL,
    "ready_to_configure" BOOLEAN NOT NULL,
    "include" TEXT NOT NULL,
    "exclude" TEXT NOT NULL,
    "file_batch_size" INTEGER NOT NULL,
    "file_batch_gb" INTEGER NOT NULL,
    "enable_auto_file_batch_sizing" BOOLEAN NOT NULL,
    "created_ts" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "ngenea_site_name" ON "ngenea_site" ("name");
CREATE UNIQUE INDEX "ngenea_site_shortcode" ON "ngenea_site" ("shortcode");
CREATE TABLE "ngenea_space" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "uuid" VARCHAR(36) COLLATE "C" NOT NULL,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "mountpoint" TEXT COLLATE "C" NOT NULL,
    "color" TEXT NOT NULL,
    "size" BIGINT,
    "immutable" BOOLEAN NOT NULL,
    "deleting" BOOLEAN NOT NULL,
    "created_ts" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "ngenea_space_uuid" ON "ngenea_space" ("uuid");
CREATE UNIQUE INDEX "ngenea_space_name" ON "ngenea_space" ("name");
CREATE TABLE "ngenea_external_target" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "space_id" BIGINT NOT NULL,
    "bucket_id" BIGINT NOT NULL,
    "local_file_regex" TEXT COLLATE "C" NOT NULL,
    "delete_on_recall" BOOLEAN NOT NULL,
    "backup_only" BOOLEAN NOT NULL,
    "backup_site_id" BIGINT,
    "enabled" BOOLEAN NOT NULL,
    "advanced_settings" TEXT NOT NULL,
    "created_ts" BIGINT NOT NULL,
    FOREIGN KEY ("space_id") REFERENCES "ngenea_space" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("bucket_id") REFERENCES "ngenea_bucket" ("pk"),
    FOREIGN KEY ("backup_site_id") REFERENCES "ngenea_site" ("pk")
);
CREATE UNIQUE INDEX "ngenea_external_target_name" ON "ngenea_external_target" ("name");
CREATE INDEX "ngenea_external_target_space_id" ON "ngenea_external_target" ("space_id");
CREATE INDEX "ngenea_external_target_bucket_id" ON "ngenea_external_target" ("bucket_id");
CREATE INDEX "ngenea_external_target_backup_site_id" ON "ngenea_external_target" ("backup_site_id");
CREATE TABLE "ngenea_entry" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "site_id" BIGINT NOT NULL,
    "space_id" BIGINT NOT NULL,
    "path" BYTEA NOT NULL,
    "inode" BIGINT NOT NULL,
    "device" BIGINT NOT NULL,
    "size" BIGINT NOT NULL,
    "mtime_ns" BIGINT NOT NULL,
    "ctime_ns" BIGINT NOT NULL,
    "mode" BIGINT NOT NULL,
    "uid" BIGINT NOT NULL,
    "gid" BIGINT NOT NULL,
    "xattrs" TEXT NOT NULL,
    "state" VARCHAR(16) COLLATE "C" NOT NULL,
    "head" BIGINT NOT NULL,
    "target_id" BIGINT NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "sha256" VARCHAR(64) COLLATE "C" NOT NULL,
    "etag" TEXT COLLATE "C" NOT NULL,
    "updated_ts" BIGINT NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("space_id") REFERENCES "ngenea_space" ("pk"),
    FOREIGN KEY ("target_id") REFERENCES "ngenea_external_target" ("pk")
);
CREATE INDEX "ngenea_entry_space_id" ON "ngenea_entry" ("space_id");
CREATE INDEX "ngenea_entry_target_id" ON "ngenea_entry" ("target_id");
CREATE UNIQUE INDEX "ngenea_entry_site_id_path" ON "ngenea_entry" ("site_id", "path");
CREATE INDEX "ngenea_entry_target_id_key" ON "ngenea_entry" ("target_id", "key");
CREATE INDEX "ngenea_entry_site_id_device_inode" ON "ngenea_entry" ("site_id", "device", "inode");
CREATE TABLE "ngenea_filesystem" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "site_id" BIGINT NOT NULL,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "mountpoint" TEXT COLLATE "C" NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_filesystem_site_id_name" ON "ngenea_filesystem" ("site_id", "name");
CREATE TABLE "ngenea_group" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(150) COLLATE "C" NOT NULL,
    "description" TEXT COLLATE "C" NOT NULL,
    "builtin" BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX "ngenea_group_name" ON "ngenea_group" ("name");
CREATE TABLE "ngenea_permission" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "app_label" VARCHAR(100) COLLATE "C" NOT NULL,
    "codename" VARCHAR(100) COLLATE "C" NOT NULL,
    "model" VARCHAR(100) COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX "ngenea_permission_app_label_codename" ON "ngenea_permission" ("app_label", "codename");
CREATE TABLE "ngenea_group_permission" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "group_id" BIGINT NOT NULL,
    "permission_id" BIGINT NOT NULL,
    FOREIGN KEY ("group_id") REFERENCES "ngenea_group" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("permission_id") REFERENCES "ngenea_permission" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_group_permission_permission_id" ON "ngenea_group_permission" ("permission_id");
CREATE UNIQUE INDEX "ngenea_group_permission_group_id_permission_id" ON "ngenea_group_permission" ("group_id", "permission_id");
CREATE TABLE "ngenea_queue" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "site_id" BIGINT NOT NULL,
    "name" VARCHAR(64) COLLATE "C" NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_queue_site_id_name" ON "ngenea_queue" ("site_id", "name");
CREATE TABLE "ngenea_job" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "workflow" VARCHAR(100) COLLATE "C" NOT NULL,
    "definition" TEXT NOT NULL,
    "site_id" BIGINT NOT NULL,
    "queue_id" BIGINT,
    "owner_id" BIGINT,
    "clientkey_id" BIGINT,
    "by_system" BOOLEAN NOT NULL,
    "request" TEXT NOT NULL,
    "state" VARCHAR(16) COLLATE "C" NOT NULL,
    "dry_run" BOOLEAN NOT NULL,
    "search" TEXT COLLATE "C" NOT NULL,
    "live" BIGINT NOT NULL,
    "discovering" BIGINT NOT NULL,
    "discovered" BIGINT NOT NULL,
    "discovered_bytes" BIGINT NOT NULL,
    "processed" BIGINT NOT NULL,
    "processed_bytes" BIGINT NOT NULL,
    "failed" BIGINT NOT NULL,
    "skipped" BIGINT NOT NULL,
    "aborted" BIGINT NOT NULL,
    "progress" BIGINT NOT NULL,
    "created_ts" BIGINT NOT NULL,
    "started_ts" BIGINT,
    "completed_ts" BIGINT,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk"),
    FOREIGN KEY ("queue_id") REFERENCES "ngenea_queue" ("pk") ON DELETE SET NULL,
    FOREIGN KEY ("owner_id") REFERENCES "ngenea_user" ("pk") ON DELETE SET NULL,
    FOREIGN KEY ("clientkey_id") REFERENCES "ngenea_client_key" ("pk") ON DELETE SET NULL
);
CREATE INDEX "ngenea_job_state_pk" ON "ngenea_job" ("state", "pk");
CREATE INDEX "ngenea_job_site_id_pk" ON "ngenea_job" ("site_id", "pk");
CREATE INDEX "ngenea_job_owner_id_pk" ON "ngenea_job" ("owner_id", "pk");
CREATE INDEX "ngenea_job_workflow_pk" ON "ngenea_job" ("workflow", "pk");
CREATE INDEX "ngenea_job_created_ts" ON "ngenea_job" ("created_ts");
CREATE INDEX "ngenea_job_completed_ts" ON "ngenea_job" ("completed_ts");
CREATE TABLE "ngenea_job_input" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "job_id" BIGINT NOT NULL,
    "path" BYTEA NOT NULL,
    FOREIGN KEY ("job_id") REFERENCES "ngenea_job" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_job_input_job_id_path" ON "ngenea_job_input" ("job_id", "path");
CREATE INDEX "ngenea_job_input_path" ON "ngenea_job_input" ("path");
CREATE TABLE "ngenea_task" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "job_id" BIGINT NOT NULL,
    "task_id" VARCHAR(36) COLLATE "C" NOT NULL,
    "tasktype" VARCHAR(100) COLLATE "C" NOT NULL,
    "friendly_name" TEXT COLLATE "C" NOT NULL,
    "site_id" BIGINT NOT NULL,
    "queue" VARCHAR(64) COLLATE "C" NOT NULL,
    "state" VARCHAR(16) COLLATE "C" NOT NULL,
    "discovery" BOOLEAN NOT NULL,
    "internal" BOOLEAN NOT NULL,
    "rule" BIGINT NOT NULL,
    "step" BIGINT NOT NULL,
    "arguments" TEXT NOT NULL,
    "result" TEXT,
    "created_ts" BIGINT NOT NULL,
    "started_ts" BIGINT,
    "completed_ts" BIGINT,
    FOREIGN KEY ("job_id") REFERENCES "ngenea_job" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk")
);
CREATE UNIQUE INDEX "ngenea_task_task_id" ON "ngenea_task" ("task_id");
CREATE INDEX "ngenea_task_job_id_state_pk" ON "ngenea_task" ("job_id", "state", "pk");
CREATE INDEX "ngenea_task_job_id_pk" ON "ngenea_task" ("job_id", "pk");
CREATE INDEX "ngenea_task_state_pk" ON "ngenea_task" ("state", "pk");
CREATE INDEX "ngenea_task_tasktype_pk" ON "ngenea_task" ("tasktype", "pk");
CREATE TABLE "ngenea_job_path" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "job_id" BIGINT NOT NULL,
    "path" BYTEA NOT NULL,
    "task_id" BIGINT NOT NULL,
    "state" VARCHAR(16) COLLATE "C" NOT NULL,
    "size" BIGINT NOT NULL,
    "code" TEXT COLLATE "C" NOT NULL,
    "message" TEXT COLLATE "C" NOT NULL,
    FOREIGN KEY ("job_id") REFERENCES "ngenea_job" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("task_id") REFERENCES "ngenea_task" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_job_path_task_id" ON "ngenea_job_path" ("task_id");
CREATE UNIQUE INDEX "ngenea_job_path_job_id_path" ON "ngenea_job_path" ("job_id", "path");
CREATE INDEX "ngenea_job_path_job_id_state_pk" ON "ngenea_job_path" ("job_id", "state", "pk");
CREATE INDEX "ngenea_job_path_job_id_pk" ON "ngenea_job_path" ("job_id", "pk");
CREATE INDEX "ngenea_job_path_path_pk" ON "ngenea_job_path" ("path", "pk");
CREATE TABLE "ngenea_job_space" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "job_id" BIGINT NOT NULL,
    "space_id" BIGINT NOT NULL,
    FOREIGN KEY ("job_id") REFERENCES "ngenea_job" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("space_id") REFERENCES "ngenea_space" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_job_space_space_id" ON "ngenea_job_space" ("space_id");
CREATE UNIQUE INDEX "ngenea_job_space_job_id_space_id" ON "ngenea_job_space" ("job_id", "space_id");
CREATE TABLE "ngenea_journal" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "site_id" BIGINT NOT NULL,
    "path" BYTEA NOT NULL,
    "device" BIGINT,
    "inode" BIGINT,
    "operation" VARCHAR(16) COLLATE "C" NOT NULL,
    "step" VARCHAR(16) COLLATE "C" NOT NULL,
    "bucket_id" BIGINT,
    "key" TEXT COLLATE "C",
    "claim" VARCHAR(36) COLLATE "C" NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("bucket_id") REFERENCES "ngenea_bucket" ("pk")
);
CREATE UNIQUE INDEX "ngenea_journal_site_id_path" ON "ngenea_journal" ("site_id", "path");
CREATE UNIQUE INDEX "ngenea_journal_site_id_device_inode" ON "ngenea_journal" ("site_id", "device", "inode");
CREATE UNIQUE INDEX "ngenea_journal_bucket_id_key" ON "ngenea_journal" ("bucket_id", "key");
CREATE INDEX "ngenea_journal_claim" ON "ngenea_journal" ("claim");
CREATE TABLE "ngenea_membership" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "user_id" BIGINT NOT NULL,
    "group_id" BIGINT NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "ngenea_user" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("group_id") REFERENCES "ngenea_group" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_membership_group_id" ON "ngenea_membership" ("group_id");
CREATE UNIQUE INDEX "ngenea_membership_user_id_group_id" ON "ngenea_membership" ("user_id", "group_id");
CREATE TABLE "ngenea_node" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "site_id" BIGINT NOT NULL,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "last_heartbeat_ts" BIGINT,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_node_site_id_name" ON "ngenea_node" ("site_id", "name");
CREATE TABLE "ngenea_node_queue" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "node_id" BIGINT NOT NULL,
    "queue_id" BIGINT NOT NULL,
    "threads" INTEGER NOT NULL,
    "functions" TEXT NOT NULL,
    "last_heartbeat_ts" BIGINT NOT NULL,
    FOREIGN KEY ("node_id") REFERENCES "ngenea_node" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("queue_id") REFERENCES "ngenea_queue" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_node_queue_queue_id" ON "ngenea_node_queue" ("queue_id");
CREATE UNIQUE INDEX "ngenea_node_queue_node_id_queue_id" ON "ngenea_node_queue" ("node_id", "queue_id");
CREATE TABLE "ngenea_object_permission" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "group_id" BIGINT NOT NULL,
    "permission_id" BIGINT NOT NULL,
    "model" VARCHAR(100) COLLATE "C" NOT NULL,
    "object_pk" VARCHAR(64) COLLATE "C" NOT NULL,
    FOREIGN KEY ("group_id") REFERENCES "ngenea_group" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("permission_id") REFERENCES "ngenea_permission" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_object_permission_permission_id" ON "ngenea_object_permission" ("permission_id");
CREATE UNIQUE INDEX "ngenea_object_permission_group_id_model_object_pk_permission_id" ON "ngenea_object_permission" ("group_id", "model", "object_pk", "permission_id");
CREATE INDEX "ngenea_object_permission_model_object_pk" ON "ngenea_object_permission" ("model", "object_pk");
CREATE TABLE "ngenea_question" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "site_id" BIGINT NOT NULL,
    "question_id" VARCHAR(36) COLLATE "C" NOT NULL,
    "question" TEXT NOT NULL,
    "answer" TEXT,
    "expires_ts" BIGINT NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_question_site_id" ON "ngenea_question" ("site_id");
CREATE UNIQUE INDEX "ngenea_question_question_id" ON "ngenea_question" ("question_id");
CREATE INDEX "ngenea_question_expires_ts" ON "ngenea_question" ("expires_ts");
CREATE TABLE "ngenea_settings_task" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "site_id" BIGINT NOT NULL,
    "task_id" VARCHAR(36) COLLATE "C" NOT NULL,
    "tasktype" VARCHAR(100) COLLATE "C" NOT NULL,
    "friendly_name" TEXT COLLATE "C" NOT NULL,
    "request" TEXT NOT NULL,
    "results" TEXT,
    "state" VARCHAR(16) COLLATE "C" NOT NULL,
    "created_ts" BIGINT NOT NULL,
    "started_ts" BIGINT,
    "completed_ts" BIGINT,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_settings_task_site_id" ON "ngenea_settings_task" ("site_id");
CREATE UNIQUE INDEX "ngenea_settings_task_task_id" ON "ngenea_settings_task" ("task_id");
CREATE INDEX "ngenea_settings_task_state_pk" ON "ngenea_settings_task" ("state", "pk");
CREATE INDEX "ngenea_settings_task_tasktype_pk" ON "ngenea_settings_task" ("tasktype", "pk");
CREATE TABLE "ngenea_space_site" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "space_id" BIGINT NOT NULL,
    "site_id" BIGINT NOT NULL,
    "mountpoint" TEXT COLLATE "C" NOT NULL,
    "pool" TEXT COLLATE "C",
    "ready" BOOLEAN NOT NULL,
    "task_id" VARCHAR(36) COLLATE "C" NOT NULL,
    FOREIGN KEY ("space_id") REFERENCES "ngenea_space" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_space_site_space_id_site_id" ON "ngenea_space_site" ("space_id", "site_id");
CREATE UNIQUE INDEX "ngenea_space_site_site_id_mountpoint" ON "ngenea_space_site" ("site_id", "mountpoint");
CREATE TABLE "ngenea_storage_pool" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "filesystem_id" BIGINT NOT NULL,
    "name" VARCHAR(255) COLLATE "C" NOT NULL,
    "capacity" BIGINT NOT NULL,
    "used_space" BIGINT NOT NULL,
    "free_space" BIGINT NOT NULL,
    "is_default" BOOLEAN NOT NULL,
    "reported_ts" BIGINT NOT NULL,
    FOREIGN KEY ("filesystem_id") REFERENCES "ngenea_filesystem" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_storage_pool_filesystem_id_name" ON "ngenea_storage_pool" ("filesystem_id", "name");
CREATE TABLE "ngenea_target_site" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "target_id" BIGINT NOT NULL,
    "site_id" BIGINT NOT NULL,
    "ready" BOOLEAN NOT NULL,
    "task_id" VARCHAR(36) COLLATE "C" NOT NULL,
    FOREIGN KEY ("target_id") REFERENCES "ngenea_external_target" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_target_site_site_id" ON "ngenea_target_site" ("site_id");
CREATE UNIQUE INDEX "ngenea_target_site_target_id_site_id" ON "ngenea_target_site" ("target_id", "site_id");
CREATE TABLE "ngenea_task_parent" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "task_id" BIGINT NOT NULL,
    "parent_id" BIGINT NOT NULL,
    "dynamic" BOOLEAN NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "ngenea_task" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("parent_id") REFERENCES "ngenea_task" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_task_parent_parent_id" ON "ngenea_task_parent" ("parent_id");
CREATE UNIQUE INDEX "ngenea_task_parent_task_id_parent_id" ON "ngenea_task_parent" ("task_id", "parent_id");
CREATE TABLE "ngenea_task_path" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "task_id" BIGINT NOT NULL,
    "job_id" BIGINT NOT NULL,
    "path" BYTEA NOT NULL,
    "type" VARCHAR(16) COLLATE "C" NOT NULL,
    "size" BIGINT NOT NULL,
    "state" VARCHAR(16) COLLATE "C" NOT NULL,
    "code" TEXT COLLATE "C" NOT NULL,
    "message" TEXT COLLATE "C" NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "ngenea_task" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("job_id") REFERENCES "ngenea_job" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_task_path_task_id_path" ON "ngenea_task_path" ("task_id", "path");
CREATE INDEX "ngenea_task_path_task_id_state_pk" ON "ngenea_task_path" ("task_id", "state", "pk");
CREATE INDEX "ngenea_task_path_job_id_path_pk" ON "ngenea_task_path" ("job_id", "path", "pk");
CREATE TABLE "ngenea_workflow" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) COLLATE "C" NOT NULL,
    "label" TEXT COLLATE "C" NOT NULL,
    "icon_classes" TEXT NOT NULL,
    "discovery" VARCHAR(64) COLLATE "C",
    "discovery_options" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL,
    "visible" BOOLEAN NOT NULL,
    "schedule_only" BOOLEAN NOT NULL,
    "external_only" BOOLEAN NOT NULL,
    "preferred_queue" TEXT COLLATE "C" NOT NULL,
    "fields" TEXT NOT NULL,
    "filter_rules" TEXT NOT NULL,
    "builtin" BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX "ngenea_workflow_name" ON "ngenea_workflow" ("name");
