CREATE TABLE "mender_audit_entry" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "time" INTEGER NOT NULL,
    "actor_type" VARCHAR(16) NOT NULL,
    "actor_id" VARCHAR(36) NOT NULL,
    "actor_email" VARCHAR(256) NOT NULL,
    "action" VARCHAR(32) NOT NULL,
    "object_type" VARCHAR(16) NOT NULL,
    "object_id" TEXT NOT NULL,
    "object_name" TEXT NOT NULL,
    "change" TEXT,
    "request_id" VARCHAR(64) NOT NULL
);
CREATE INDEX "mender_audit_entry_tenant_id_time_pk" ON "mender_audit_entry" ("tenant_id", "time", "pk");
CREATE INDEX "mender_audit_entry_tenant_id_object_type_time_pk" ON "mender_audit_entry" ("tenant_id", "object_type", "time", "pk");
CREATE INDEX "mender_audit_entry_tenant_id_object_id_time_pk" ON "mender_audit_entry" ("tenant_id", "object_id", "time", "pk");
CREATE INDEX "mender_audit_entry_tenant_id_actor_id_time_pk" ON "mender_audit_entry" ("tenant_id", "actor_id", "time", "pk");
