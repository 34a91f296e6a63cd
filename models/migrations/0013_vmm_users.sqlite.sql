CREATE TABLE "vmm_user" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "login" VARCHAR(64) NOT NULL,
    "login_key" VARCHAR(64) NOT NULL,
    "email" VARCHAR(256) NOT NULL,
    "password_hash" TEXT,
    "user_group" INTEGER NOT NULL,
    "active" INTEGER NOT NULL,
    "password_locked" INTEGER NOT NULL,
    "handle" VARCHAR(64) NOT NULL,
    "created_ts" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "vmm_user_login_key" ON "vmm_user" ("login_key");
CREATE UNIQUE INDEX "vmm_user_email" ON "vmm_user" ("email");
CREATE UNIQUE INDEX "vmm_user_handle" ON "vmm_user" ("handle");
CREATE INDEX "vmm_user_active_created_ts" ON "vmm_user" ("active", "created_ts");
CREATE TABLE "vmm_challenge" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "challenge_hash" VARCHAR(64) NOT NULL,
    "purpose" VARCHAR(16) NOT NULL,
    "user_id" INTEGER,
    "handle" VARCHAR(64) NOT NULL,
    "login" VARCHAR(64) NOT NULL,
    "email" VARCHAR(256) NOT NULL,
    "expires_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "vmm_challenge_challenge_hash" ON "vmm_challenge" ("challenge_hash");
CREATE INDEX "vmm_challenge_user_id" ON "vmm_challenge" ("user_id");
CREATE INDEX "vmm_challenge_expires_ts" ON "vmm_challenge" ("expires_ts");
CREATE TABLE "vmm_code" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "purpose" VARCHAR(16) NOT NULL,
    "code_hash" VARCHAR(64) NOT NULL,
    "email" VARCHAR(256) NOT NULL,
    "tries" INTEGER NOT NULL,
    "expires_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "vmm_code_code_hash" ON "vmm_code" ("code_hash");
CREATE INDEX "vmm_code_expires_ts" ON "vmm_code" ("expires_ts");
CREATE UNIQUE INDEX "vmm_code_user_id_purpose" ON "vmm_code" ("user_id", "purpose");
CREATE TABLE "vmm_passkey" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "credential_id" TEXT NOT NULL,
    "public_key" TEXT NOT NULL,
    "sign_count" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "created_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "vmm_passkey_credential_id" ON "vmm_passkey" ("credential_id");
CREATE INDEX "vmm_passkey_user_id_pk" ON "vmm_passkey" ("user_id", "pk");
CREATE TABLE "vmm_ssh_key" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "line" TEXT NOT NULL,
    "fingerprint" VARCHAR(64) NOT NULL,
    "created_ts" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "vmm_ssh_key_user_id_fingerprint" ON "vmm_ssh_key" ("user_id", "fingerprint");
CREATE TABLE "vmm_token" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "name" VARCHAR(36) NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "start_ts" INTEGER NOT NULL,
    "expire_ts" INTEGER NOT NULL,
    "revoke_ts" INTEGER,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "vmm_token_name" ON "vmm_token" ("name");
CREATE INDEX "vmm_token_expire_ts" ON "vmm_token" ("expire_ts");
CREATE INDEX "vmm_token_user_id_pk" ON "vmm_token" ("user_id", "pk");
