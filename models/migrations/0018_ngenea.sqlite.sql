CREATE TABLE "ngenea_bucket" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "label" TEXT NOT NULL,
    "storage_type" VARCHAR(16) NOT NULL,
    "endpoint" TEXT NOT NULL,
    "port" INTEGER,
    "scheme" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "ssl_verify" INTEGER NOT NULL,
    "migration_target_folder" TEXT NOT NULL,
    "advanced_settings" TEXT NOT NULL,
    "secrets" TEXT NOT NULL,
    "soft_deleting" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "ngenea_bucket_name" ON "ngenea_bucket" ("name");
CREATE TABLE "ngenea_user" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "username" VARCHAR(150) NOT NULL,
    "password_hash" TEXT NOT NULL,
    "first_name" TEXT NOT NULL,
    "last_name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "is_active" INTEGER NOT NULL,
    "is_superuser" INTEGER NOT NULL,
    "profile" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "date_joined_ts" INTEGER NOT NULL,
    "last_login_ts" INTEGER
);
CREATE UNIQUE INDEX "ngenea_user_username" ON "ngenea_user" ("username");
CREATE INDEX "ngenea_user_is_superuser_is_active" ON "ngenea_user" ("is_superuser", "is_active");
CREATE TABLE "ngenea_client_key" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" VARCHAR(8) NOT NULL,
    "key_hash" VARCHAR(64) NOT NULL,
    "created_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "ngenea_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_client_key_prefix" ON "ngenea_client_key" ("prefix");
CREATE UNIQUE INDEX "ngenea_client_key_user_id_name" ON "ngenea_client_key" ("user_id", "name");
CREATE TABLE "ngenea_site" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(64) NOT NULL,
    "label" TEXT NOT NULL,
    "shortcode" VARCHAR(64) NOT NULL,
    "color" TEXT NOT NULL,
    "timezone" TEXT NOT NULL,
    "bandwidth" INTEGER,
    "type" TEXT NOT NULL,
    "public_url" TEXT NOT NULL,
    "am_i_configured" INTEGER NOT NULL,
    "ready_to_configure" INTEGER NOT NULL,
    "include" TEXT NOT NULL,
    "exclude" TEXT NOT NULL,
    "file_batch_size" INTEGER NOT NULL,
    "file_batch_gb" INTEGER NOT NULL,
    "enable_auto_file_batch_sizing" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "ngenea_site_name" ON "ngenea_site" ("name");
CREATE UNIQUE INDEX "ngenea_site_shortcode" ON "ngenea_site" ("shortcode");
CREATE TABLE "ngenea_space" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "uuid" VARCHAR(36) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "mountpoint" TEXT NOT NULL,
    "color" TEXT NOT NULL,
    "size" INTEGER,
    "immutable" INTEGER NOT NULL,
    "deleting" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "ngenea_space_uuid" ON "ngenea_space" ("uuid");
CREATE UNIQUE INDEX "ngenea_space_name" ON "ngenea_space" ("name");
CREATE TABLE "ngenea_external_target" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "space_id" INTEGER NOT NULL,
    "bucket_id" INTEGER NOT NULL,
    "local_file_regex" TEXT NOT NULL,
    "delete_on_recall" INTEGER NOT NULL,
    "backup_only" INTEGER NOT NULL,
    "backup_site_id" INTEGER,
    "enabled" INTEGER NOT NULL,
    "advanced_settings" TEXT NOT NULL,
    "created_ts" INTEGER NOT NULL,
    FOREIGN KEY ("space_id") REFERENCES "ngenea_space" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("bucket_id") REFERENCES "ngenea_bucket" ("pk"),
    FOREIGN KEY ("backup_site_id") REFERENCES "ngenea_site" ("pk")
);
CREATE UNIQUE INDEX "ngenea_external_target_name" ON "ngenea_external_target" ("name");
CREATE INDEX "ngenea_external_target_space_id" ON "ngenea_external_target" ("space_id");
CREATE INDEX "ngenea_external_target_bucket_id" ON "ngenea_external_target" ("bucket_id");
CREATE INDEX "ngenea_external_target_backup_site_id" ON "ngenea_external_target" ("backup_site_id");
CREATE TABLE "ngenea_entry" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "space_id" INTEGER NOT NULL,
    "path" BLOB NOT NULL,
    "inode" INTEGER NOT NULL,
    "device" INTEGER NOT NULL,
    "size" INTEGER NOT NULL,
    "mtime_ns" INTEGER NOT NULL,
    "ctime_ns" INTEGER NOT NULL,
    "mode" INTEGER NOT NULL,
    "uid" INTEGER NOT NULL,
    "gid" INTEGER NOT NULL,
    "xattrs" TEXT NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "head" INTEGER NOT NULL,
    "target_id" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    "sha256" VARCHAR(64) NOT NULL,
    "etag" TEXT NOT NULL,
    "updated_ts" INTEGER NOT NULL,
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
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "mountpoint" TEXT NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_filesystem_site_id_name" ON "ngenea_filesystem" ("site_id", "name");
CREATE TABLE "ngenea_group" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(150) NOT NULL,
    "description" TEXT NOT NULL,
    "builtin" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "ngenea_group_name" ON "ngenea_group" ("name");
CREATE TABLE "ngenea_permission" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "app_label" VARCHAR(100) NOT NULL,
    "codename" VARCHAR(100) NOT NULL,
    "model" VARCHAR(100) NOT NULL,
    "name" TEXT NOT NULL
);
CREATE UNIQUE INDEX "ngenea_permission_app_label_codename" ON "ngenea_permission" ("app_label", "codename");
CREATE TABLE "ngenea_group_permission" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "group_id" INTEGER NOT NULL,
    "permission_id" INTEGER NOT NULL,
    FOREIGN KEY ("group_id") REFERENCES "ngenea_group" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("permission_id") REFERENCES "ngenea_permission" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_group_permission_permission_id" ON "ngenea_group_permission" ("permission_id");
CREATE UNIQUE INDEX "ngenea_group_permission_group_id_permission_id" ON "ngenea_group_permission" ("group_id", "permission_id");
CREATE TABLE "ngenea_queue" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "name" VARCHAR(64) NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_queue_site_id_name" ON "ngenea_queue" ("site_id", "name");
CREATE TABLE "ngenea_job" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "workflow" VARCHAR(100) NOT NULL,
    "definition" TEXT NOT NULL,
    "site_id" INTEGER NOT NULL,
    "queue_id" INTEGER,
    "owner_id" INTEGER,
    "clientkey_id" INTEGER,
    "by_system" INTEGER NOT NULL,
    "request" TEXT NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "dry_run" INTEGER NOT NULL,
    "search" TEXT NOT NULL,
    "live" INTEGER NOT NULL,
    "discovering" INTEGER NOT NULL,
    "discovered" INTEGER NOT NULL,
    "discovered_bytes" INTEGER NOT NULL,
    "processed" INTEGER NOT NULL,
    "processed_bytes" INTEGER NOT NULL,
    "failed" INTEGER NOT NULL,
    "skipped" INTEGER NOT NULL,
    "aborted" INTEGER NOT NULL,
    "progress" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "started_ts" INTEGER,
    "completed_ts" INTEGER,
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
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "job_id" INTEGER NOT NULL,
    "path" BLOB NOT NULL,
    FOREIGN KEY ("job_id") REFERENCES "ngenea_job" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_job_input_job_id_path" ON "ngenea_job_input" ("job_id", "path");
CREATE INDEX "ngenea_job_input_path" ON "ngenea_job_input" ("path");
CREATE TABLE "ngenea_task" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "job_id" INTEGER NOT NULL,
    "task_id" VARCHAR(36) NOT NULL,
    "tasktype" VARCHAR(100) NOT NULL,
    "friendly_name" TEXT NOT NULL,
    "site_id" INTEGER NOT NULL,
    "queue" VARCHAR(64) NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "discovery" INTEGER NOT NULL,
    "internal" INTEGER NOT NULL,
    "rule" INTEGER NOT NULL,
    "step" INTEGER NOT NULL,
    "arguments" TEXT NOT NULL,
    "result" TEXT,
    "created_ts" INTEGER NOT NULL,
    "started_ts" INTEGER,
    "completed_ts" INTEGER,
    FOREIGN KEY ("job_id") REFERENCES "ngenea_job" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk")
);
CREATE UNIQUE INDEX "ngenea_task_task_id" ON "ngenea_task" ("task_id");
CREATE INDEX "ngenea_task_job_id_state_pk" ON "ngenea_task" ("job_id", "state", "pk");
CREATE INDEX "ngenea_task_job_id_pk" ON "ngenea_task" ("job_id", "pk");
CREATE INDEX "ngenea_task_state_pk" ON "ngenea_task" ("state", "pk");
CREATE INDEX "ngenea_task_tasktype_pk" ON "ngenea_task" ("tasktype", "pk");
CREATE TABLE "ngenea_job_path" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "job_id" INTEGER NOT NULL,
    "path" BLOB NOT NULL,
    "task_id" INTEGER NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "size" INTEGER NOT NULL,
    "code" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    FOREIGN KEY ("job_id") REFERENCES "ngenea_job" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("task_id") REFERENCES "ngenea_task" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_job_path_task_id" ON "ngenea_job_path" ("task_id");
CREATE UNIQUE INDEX "ngenea_job_path_job_id_path" ON "ngenea_job_path" ("job_id", "path");
CREATE INDEX "ngenea_job_path_job_id_state_pk" ON "ngenea_job_path" ("job_id", "state", "pk");
CREATE INDEX "ngenea_job_path_job_id_pk" ON "ngenea_job_path" ("job_id", "pk");
CREATE INDEX "ngenea_job_path_path_pk" ON "ngenea_job_path" ("path", "pk");
CREATE TABLE "ngenea_job_space" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "job_id" INTEGER NOT NULL,
    "space_id" INTEGER NOT NULL,
    FOREIGN KEY ("job_id") REFERENCES "ngenea_job" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("space_id") REFERENCES "ngenea_space" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_job_space_space_id" ON "ngenea_job_space" ("space_id");
CREATE UNIQUE INDEX "ngenea_job_space_job_id_space_id" ON "ngenea_job_space" ("job_id", "space_id");
CREATE TABLE "ngenea_journal" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "path" BLOB NOT NULL,
    "device" INTEGER,
    "inode" INTEGER,
    "operation" VARCHAR(16) NOT NULL,
    "step" VARCHAR(16) NOT NULL,
    "bucket_id" INTEGER,
    "key" TEXT,
    "claim" VARCHAR(36) NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("bucket_id") REFERENCES "ngenea_bucket" ("pk")
);
CREATE UNIQUE INDEX "ngenea_journal_site_id_path" ON "ngenea_journal" ("site_id", "path");
CREATE UNIQUE INDEX "ngenea_journal_site_id_device_inode" ON "ngenea_journal" ("site_id", "device", "inode");
CREATE UNIQUE INDEX "ngenea_journal_bucket_id_key" ON "ngenea_journal" ("bucket_id", "key");
CREATE INDEX "ngenea_journal_claim" ON "ngenea_journal" ("claim");
CREATE TABLE "ngenea_membership" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "group_id" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "ngenea_user" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("group_id") REFERENCES "ngenea_group" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_membership_group_id" ON "ngenea_membership" ("group_id");
CREATE UNIQUE INDEX "ngenea_membership_user_id_group_id" ON "ngenea_membership" ("user_id", "group_id");
CREATE TABLE "ngenea_node" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "last_heartbeat_ts" INTEGER,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_node_site_id_name" ON "ngenea_node" ("site_id", "name");
CREATE TABLE "ngenea_node_queue" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "node_id" INTEGER NOT NULL,
    "queue_id" INTEGER NOT NULL,
    "threads" INTEGER NOT NULL,
    "functions" TEXT NOT NULL,
    "last_heartbeat_ts" INTEGER NOT NULL,
    FOREIGN KEY ("node_id") REFERENCES "ngenea_node" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("queue_id") REFERENCES "ngenea_queue" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_node_queue_queue_id" ON "ngenea_node_queue" ("queue_id");
CREATE UNIQUE INDEX "ngenea_node_queue_node_id_queue_id" ON "ngenea_node_queue" ("node_id", "queue_id");
CREATE TABLE "ngenea_object_permission" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "group_id" INTEGER NOT NULL,
    "permission_id" INTEGER NOT NULL,
    "model" VARCHAR(100) NOT NULL,
    "object_pk" VARCHAR(64) NOT NULL,
    FOREIGN KEY ("group_id") REFERENCES "ngenea_group" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("permission_id") REFERENCES "ngenea_permission" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_object_permission_permission_id" ON "ngenea_object_permission" ("permission_id");
CREATE UNIQUE INDEX "ngenea_object_permission_group_id_model_object_pk_permission_id" ON "ngenea_object_permission" ("group_id", "model", "object_pk", "permission_id");
CREATE INDEX "ngenea_object_permission_model_object_pk" ON "ngenea_object_permission" ("model", "object_pk");
CREATE TABLE "ngenea_question" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "question_id" VARCHAR(36) NOT NULL,
    "question" TEXT NOT NULL,
    "answer" TEXT,
    "expires_ts" INTEGER NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_question_site_id" ON "ngenea_question" ("site_id");
CREATE UNIQUE INDEX "ngenea_question_question_id" ON "ngenea_question" ("question_id");
CREATE INDEX "ngenea_question_expires_ts" ON "ngenea_question" ("expires_ts");
CREATE TABLE "ngenea_settings_task" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "task_id" VARCHAR(36) NOT NULL,
    "tasktype" VARCHAR(100) NOT NULL,
    "friendly_name" TEXT NOT NULL,
    "request" TEXT NOT NULL,
    "results" TEXT,
    "state" VARCHAR(16) NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "started_ts" INTEGER,
    "completed_ts" INTEGER,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_settings_task_site_id" ON "ngenea_settings_task" ("site_id");
CREATE UNIQUE INDEX "ngenea_settings_task_task_id" ON "ngenea_settings_task" ("task_id");
CREATE INDEX "ngenea_settings_task_state_pk" ON "ngenea_settings_task" ("state", "pk");
CREATE INDEX "ngenea_settings_task_tasktype_pk" ON "ngenea_settings_task" ("tasktype", "pk");
CREATE TABLE "ngenea_space_site" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "space_id" INTEGER NOT NULL,
    "site_id" INTEGER NOT NULL,
    "mountpoint" TEXT NOT NULL,
    "pool" TEXT,
    "ready" INTEGER NOT NULL,
    "task_id" VARCHAR(36) NOT NULL,
    FOREIGN KEY ("space_id") REFERENCES "ngenea_space" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_space_site_space_id_site_id" ON "ngenea_space_site" ("space_id", "site_id");
CREATE UNIQUE INDEX "ngenea_space_site_site_id_mountpoint" ON "ngenea_space_site" ("site_id", "mountpoint");
CREATE TABLE "ngenea_storage_pool" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "filesystem_id" INTEGER NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "capacity" INTEGER NOT NULL,
    "used_space" INTEGER NOT NULL,
    "free_space" INTEGER NOT NULL,
    "is_default" INTEGER NOT NULL,
    "reported_ts" INTEGER NOT NULL,
    FOREIGN KEY ("filesystem_id") REFERENCES "ngenea_filesystem" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_storage_pool_filesystem_id_name" ON "ngenea_storage_pool" ("filesystem_id", "name");
CREATE TABLE "ngenea_target_site" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "target_id" INTEGER NOT NULL,
    "site_id" INTEGER NOT NULL,
    "ready" INTEGER NOT NULL,
    "task_id" VARCHAR(36) NOT NULL,
    FOREIGN KEY ("target_id") REFERENCES "ngenea_external_target" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("site_id") REFERENCES "ngenea_site" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_target_site_site_id" ON "ngenea_target_site" ("site_id");
CREATE UNIQUE INDEX "ngenea_target_site_target_id_site_id" ON "ngenea_target_site" ("target_id", "site_id");
CREATE TABLE "ngenea_task_parent" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER NOT NULL,
    "parent_id" INTEGER NOT NULL,
    "dynamic" INTEGER NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "ngenea_task" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("parent_id") REFERENCES "ngenea_task" ("pk") ON DELETE CASCADE
);
CREATE INDEX "ngenea_task_parent_parent_id" ON "ngenea_task_parent" ("parent_id");
CREATE UNIQUE INDEX "ngenea_task_parent_task_id_parent_id" ON "ngenea_task_parent" ("task_id", "parent_id");
CREATE TABLE "ngenea_task_path" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER NOT NULL,
    "job_id" INTEGER NOT NULL,
    "path" BLOB NOT NULL,
    "type" VARCHAR(16) NOT NULL,
    "size" INTEGER NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "code" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "ngenea_task" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("job_id") REFERENCES "ngenea_job" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "ngenea_task_path_task_id_path" ON "ngenea_task_path" ("task_id", "path");
CREATE INDEX "ngenea_task_path_task_id_state_pk" ON "ngenea_task_path" ("task_id", "state", "pk");
CREATE INDEX "ngenea_task_path_job_id_path_pk" ON "ngenea_task_path" ("job_id", "path", "pk");
CREATE TABLE "ngenea_workflow" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL,
    "label" TEXT NOT NULL,
    "icon_classes" TEXT NOT NULL,
    "discovery" VARCHAR(64),
    "discovery_options" TEXT NOT NULL,
    "enabled" INTEGER NOT NULL,
    "visible" INTEGER NOT NULL,
    "schedule_only" INTEGER NOT NULL,
    "external_only" INTEGER NOT NULL,
    "preferred_queue" TEXT NOT NULL,
    "fields" TEXT NOT NULL,
    "filter_rules" TEXT NOT NULL,
    "builtin" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "ngenea_workflow_name" ON "ngenea_workflow" ("name");
