CREATE TABLE "vmm_event" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "user_id" BIGINT NOT NULL,
    "kind" VARCHAR(32) COLLATE "C" NOT NULL,
    "request_id" TEXT COLLATE "C" NOT NULL,
    "body" TEXT COLLATE "C" NOT NULL,
    "created_ts" BIGINT NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE INDEX "vmm_event_created_ts" ON "vmm_event" ("created_ts");
CREATE INDEX "vmm_event_user_id_pk" ON "vmm_event" ("user_id", "pk");
CREATE TABLE "vmm_listener" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(64) COLLATE "C" NOT NULL,
    "connection" VARCHAR(36) COLLATE "C" NOT NULL,
    "user_id" BIGINT,
    "token" VARCHAR(36) COLLATE "C",
    "seen_ts" BIGINT NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "vmm_listener_name" ON "vmm_listener" ("name");
CREATE UNIQUE INDEX "vmm_listener_connection" ON "vmm_listener" ("connection");
CREATE INDEX "vmm_listener_user_id" ON "vmm_listener" ("user_id");
CREATE INDEX "vmm_listener_seen_ts" ON "vmm_listener" ("seen_ts");
CREATE TABLE "vmm_task" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "user_id" BIGINT NOT NULL,
    "server_id" BIGINT NOT NULL,
    "kind" VARCHAR(32) COLLATE "C" NOT NULL,
    "action" VARCHAR(16) COLLATE "C" NOT NULL,
    "instance" VARCHAR(63) COLLATE "C" NOT NULL,
    "request_id" TEXT COLLATE "C" NOT NULL,
    "payload" TEXT COLLATE "C" NOT NULL,
    "state" VARCHAR(16) COLLATE "C" NOT NULL,
    "operation" VARCHAR(36) COLLATE "C",
    "pid" BIGINT NOT NULL,
    "created_ts" BIGINT NOT NULL,
    "ended_ts" BIGINT,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("server_id") REFERENCES "vmm_server" ("pk") ON DELETE CASCADE
);
CREATE INDEX "vmm_task_user_id" ON "vmm_task" ("user_id");
CREATE INDEX "vmm_task_server_id" ON "vmm_task" ("server_id");
CREATE INDEX "vmm_task_ended_ts_created_ts" ON "vmm_task" ("ended_ts", "created_ts");
