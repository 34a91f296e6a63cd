CREATE TABLE "mender_limit" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL DEFAULT '',
    "name" VARCHAR(32) COLLATE "C" NOT NULL,
    "value" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "mender_limit_tenant_id_name" ON "mender_limit" ("tenant_id", "name");
