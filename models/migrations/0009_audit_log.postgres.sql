CREATE TABLE "mender_audit_entry" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL DEFAULT '',
    "time" BIGINT NOT NULL,
    "actor_type" VARCHAR(16) COLLATE "C" NOT NULL,
    "actor_id" VARCHAR(36) COLLATE "C" NOT NULL,
    "actor_email" VARCHAR(256) COLLATE "C" NOT NULL,
    "action" VARCHAR(32) COLLATE "C" NOT NULL,
    "object_type" VARCHAR(16) COLLATE "C" NOT NULL,
    "object_id" TEXT COLLATE "C" NOT NULL,
    "object_name" TEXT NOT NULL,
    "change" TEXT,
    "request_id" VARCHAR(64) COLLATE "C" NOT NULL
);
CREATE INDEX "mender_audit_entry_tenant_id_time_pk" ON "mender_audit_entry" ("tenant_id", "time", "pk");
CREATE INDEX "mender_audit_entry_tenant_id_object_type_time_pk" ON "mender_audit_entry" ("tenant_id", "object_type", "time", "pk");
CREATE INDEX "mender_audit_entry_tenant_id_object_id_time_pk" ON "mender_audit_entry" ("tenant_id", "object_id", "time", "pk");
CREATE INDEX "mender_audit_entry_tenant_id_actor_id_time_pk" ON "mender_audit_entry" ("tenant_id", "actor_id", "time", "pk");
