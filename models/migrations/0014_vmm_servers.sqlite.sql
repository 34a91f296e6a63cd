CREATE TABLE "vmm_server" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "host" VARCHAR(255) NOT NULL,
    "port" INTEGER NOT NULL,
    "path" TEXT NOT NULL,
    "certificate" TEXT NOT NULL,
    "client_certificate" TEXT NOT NULL,
    "client_key" TEXT NOT NULL,
    "created_ts" INTEGER NOT NULL,
    "trusted_ts" INTEGER,
    FOREIGN KEY ("user_id") REFERENCES "vmm_user" ("pk") ON DELETE CASCADE
);
CREATE INDEX "vmm_server_user_id" ON "vmm_server" ("user_id");
CREATE UNIQUE INDEX "vmm_server_host_port" ON "vmm_server" ("host", "port");
CREATE TABLE "vmm_object" (
    "pk" INTEGER NOT NULL PRIMARY KEY,
    "server_id" INTEGER NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "name" TEXT NOT NULL,
    FOREIGN KEY ("server_id") REFERENCES "vmm_server" ("pk") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "vmm_object_server_id_kind_name" ON "vmm_object" ("server_id", "kind", "name");
