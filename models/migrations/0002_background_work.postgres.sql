CREATE TABLE "core_failed_try" (
    "key" VARCHAR(64) COLLATE "C" NOT NULL PRIMARY KEY,
    "since_ts" BIGINT NOT NULL,
    "n" INTEGER NOT NULL
);
CREATE INDEX "core_failed_try_since_ts" ON "core_failed_try" ("since_ts");
CREATE TABLE "core_tick" (
    "kind" VARCHAR(64) COLLATE "C" NOT NULL PRIMARY KEY,
    "tick_ts" BIGINT NOT NULL
);
CREATE TABLE "core_work" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "kind" VARCHAR(64) COLLATE "C" NOT NULL,
    "key" VARCHAR(255) COLLATE "C" NOT NULL,
    "payload" TEXT NOT NULL,
    "state" VARCHAR(8) COLLATE "C" NOT NULL,
    "claim" VARCHAR(36) COLLATE "C",
    "lease_ts" BIGINT,
    "again" BOOLEAN NOT NULL,
    "attempts" INTEGER NOT NULL,
    "due_ts" BIGINT NOT NULL,
    "created_ts" BIGINT NOT NULL,
    "error" TEXT COLLATE "C"
);
CREATE UNIQUE INDEX "core_work_claim" ON "core_work" ("claim");
CREATE UNIQUE INDEX "core_work_kind_key" ON "core_work" ("kind", "key");
CREATE INDEX "core_work_state_due_ts" ON "core_work" ("state", "due_ts");
CREATE INDEX "core_work_state_lease_ts" ON "core_work" ("state", "lease_ts");
