CREATE TABLE "vmm_server" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "user_id" BIGINT NOT NULL,
    "host" VARCHAR(255) COLLATE "C" NOT NULL,
    "port" INTEGER NOT NULL,
    "path" TEXT COLLATE "C" NOT NULL,
    "certificate" TEXT COLLATE "C" NOT NULL,
    "client_certificate" TEXT COLLATE "C" NOT NULL,
    "client_key" TEXT COLLATE "C" NOT NULL,
    "created_ts" BIGINT NOT NULL,
    "trusted_ts" BIGINT,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE INDEX "vmm_server_user_id" ON "vmm_server" ("user_id");
CREATE UNIQUE INDEX "vmm_server_host_port" ON "vmm_server" ("host", "port");
CREATE TABLE "vmm_object" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "server_id" BIGINT NOT NULL,
    "kind" VARCHAR(16) COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    FOREIGN KEY ("server_id") REFERENCES "vmm_server" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "vmm_object_server_id_kind_name" ON "vmm_object" ("server_id", "kind", "name");
