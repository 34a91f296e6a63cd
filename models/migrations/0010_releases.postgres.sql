CREATE TABLE "mender_release" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL DEFAULT '',
    "name" VARCHAR(256) COLLATE "C" NOT NULL,
    "notes" TEXT NOT NULL,
    "modified" BIGINT NOT NULL,
    "artifacts_count" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "mender_release_tenant_id_name" ON "mender_release" ("tenant_id", "name");
CREATE INDEX "mender_release_tenant_id_modified_name" ON "mender_release" ("tenant_id", "modified", "name");
CREATE INDEX "mender_release_tenant_id_artifacts_count_name" ON "mender_release" ("tenant_id", "artifacts_count", "name");
CREATE TABLE "mender_release_tag" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL DEFAULT '',
    "release_id" BIGINT NOT NULL,
    "tag" VARCHAR(256) COLLATE "C" NOT NULL,
    FOREIGN KEY ("release_id") REFERENCES "mender_release" ("pk") ON DELETE CASCADE
);
CREATE INDEX "mender_release_tag_release_id" ON "mender_release_tag" ("release_id");
CREATE UNIQUE INDEX "mender_release_tag_release_id_tag" ON "mender_release_tag" ("release_id", "tag");
CREATE INDEX "mender_release_tag_tenant_id_tag" ON "mender_release_tag" ("tenant_id", "tag");
CREATE TABLE "mender_artifact_type" (
    "pk" BIGSERIAL NOT NULL PRIMARY KEY,
    "tenant_id" VARCHAR(24) COLLATE "C" NOT NULL DEFAULT '',
    "artifact_id" BIGINT NOT NULL,
    "type" VARCHAR(256) COLLATE "C" NOT NULL,
    FOREIGN KEY ("artifact_id") REFERENCES "mender_artifact" ("pk") ON DELETE CASCADE
);
CREATE INDEX "mender_artifact_type_artifact_id" ON "mender_artifact_type" ("artifact_id");
CREATE UNIQUE INDEX "mender_artifact_type_artifact_id_type" ON "mender_artifact_type" ("artifact_id", "type");
CREATE INDEX "mender_artifact_type_tenant_id_type" ON "mender_artifact_type" ("tenant_id", "type");
INSERT INTO "mender_release" ("tenant_id", "name", "notes", "modified", "artifacts_count")
    SELECT "tenant_id", "name", '', MAX("modified"), COUNT(*) FROM "mender_artifact" GROUP BY "tenant_id", "name";
