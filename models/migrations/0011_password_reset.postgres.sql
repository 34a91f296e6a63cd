CREATE TABLE "mender_password_reset" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL DEFAULT '',
    "user_id" BIGINT NOT NULL,
    "secret_hash" VARCHAR(64) COLLATE "C" NOT NULL,
    "expires_ts" BIGINT NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "mender_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "mender_password_reset_user_id" ON "mender_password_reset" ("user_id");
CREATE UNIQUE INDEX "mender_password_reset_secret_hash" ON "mender_password_reset" ("secret_hash");
