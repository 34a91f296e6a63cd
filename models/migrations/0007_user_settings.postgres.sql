CREATE TABLE "mender_user_settings" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL DEFAULT '',
    "user_id" VARCHAR(36) COLLATE "C" NOT NULL,
    "document" TEXT NOT NULL
);
CREATE UNIQUE INDEX "mender_user_settings_tenant_id_user_id" ON "mender_user_settings" ("tenant_id", "user_id");
