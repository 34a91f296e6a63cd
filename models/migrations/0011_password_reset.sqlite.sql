CREATE TABLE "mender_password_reset" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) NOT NULL DEFAULT '',
    "user_id" INTEGER NOT NULL,
    "secret_hash" VARCHAR(64) NOT NULL,
    "expires_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "mender_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "mender_password_reset_user_id" ON "mender_password_reset" ("user_id");
CREATE UNIQUE INDEX "mender_password_reset_secret_hash" ON "mender_password_reset" ("secret_hash");
