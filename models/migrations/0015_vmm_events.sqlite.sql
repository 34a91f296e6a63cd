CREATE TABLE "vmm_event" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "kind" VARCHAR(32) NOT NULL,
    "request_id" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "created_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE INDEX "vmm_event_created_ts" ON "vmm_event" ("created_ts");
CREATE INDEX "vmm_event_user_id_pk" ON "vmm_event" ("user_id", "pk");
CREATE TABLE "vmm_listener" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(64) NOT NULL,
    "connection" VARCHAR(36) NOT NULL,
    "user_id" INTEGER,
    "token" VARCHAR(36),
    "seen_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "vmm_listener_name" ON "vmm_listener" ("name");
CREATE UNIQUE INDEX "vmm_listener_connection" ON "vmm_listener" ("connection");
CREATE INDEX "vmm_listener_user_id" ON "vmm_listener" ("user_id");
CREATE INDEX "vmm_listener_seen_ts" ON "vmm_listener" ("seen_ts");
CREATE TABLE "vmm_task" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "server_id" INTEGER NOT NULL,
    "kind" VARCHAR(32) NOT NULL,
    "action" VARCHAR(16) NOT NULL,
    "instance" VARCHAR(63) NOT NULL,
    "request_id" TEXT NOT NULL,
    "payload" TEXT NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "operation" VARCHAR(36),
    "pid" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "ended_ts" INTEGER,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE,
    FOREIGN KEY ("server_id") REFERENCES "vmm_server" ("pk") ON DELETE CASCADE
);
CREATE INDEX "vmm_task_user_id" ON "vmm_task" ("user_id");
CREATE INDEX "vmm_task_server_id" ON "vmm_task" ("server_id");
CREATE INDEX "vmm_task_ended_ts_created_ts" ON "vmm_task" ("ended_ts", "created_ts");
