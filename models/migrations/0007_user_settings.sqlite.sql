CREATE TABLE "mender_user_settings" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "user_id" VARCHAR(36) NOT NULL,
    "document" TEXT NOT NULL
);
CREATE UNIQUE INDEX "mender_user_settings_tenant_id_user_id" ON "mender_user_settings" ("tenant_id", "user_id");
