CREATE TABLE "core_failed_try" (
    "key" VARCHAR(64) NOT NULL PRIMARY KEY,
    "since_ts" INTEGER NOT NULL,
    "n" INTEGER NOT NULL
);
CREATE INDEX "core_failed_try_since_ts" ON "core_failed_try" ("since_ts");
CREATE TABLE "core_tick" (
    "kind" VARCHAR(64) NOT NULL PRIMARY KEY,
    "tick_ts" INTEGER NOT NULL
);
CREATE TABLE "core_work" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "kind" VARCHAR(64) NOT NULL,
    "key" VARCHAR(255) NOT NULL,
    "payload" TEXT NOT NULL,
    "state" VARCHAR(8) NOT NULL,
    "claim" VARCHAR(36),
    "lease_ts" INTEGER,
    "again" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL,
    "due_ts" INTEGER NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "error" TEXT
);
CREATE UNIQUE INDEX "core_work_claim" ON "core_work" ("claim");
CREATE UNIQUE INDEX "core_work_kind_key" ON "core_work" ("kind", "key");
CREATE INDEX "core_work_state_due_ts" ON "core_work" ("state", "due_ts");
CREATE INDEX "core_work_state_lease_ts" ON "core_work" ("state", "lease_ts");
