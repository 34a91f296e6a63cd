CREATE TABLE "mender_limit" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "name" VARCHAR(32) NOT NULL,
    "value" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "mender_limit_tenant_id_name" ON "mender_limit" ("tenant_id", "name");
