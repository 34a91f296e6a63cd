SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.core_signing_key (
    pk bigint NOT NULL,
    system character varying(32) NOT NULL COLLATE pg_catalog."C",
    kind character varying(32) NOT NULL COLLATE pg_catalog."C",
    kid character varying(36) NOT NULL COLLATE pg_catalog."C",
    algorithm character varying(16) NOT NULL COLLATE pg_catalog."C",
    private text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL
);
CREATE SEQUENCE public.core_signing_key_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.core_signing_key_pk_seq OWNED BY public.core_signing_key.pk;
CREATE TABLE public.mender_artifact (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    id character varying(36) NOT NULL COLLATE pg_catalog."C",
    name character varying(256) NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL COLLATE pg_catalog."C",
    format_version smallint NOT NULL,
    signed boolean NOT NULL,
    device_types text NOT NULL,
    updates text NOT NULL,
    provides text NOT NULL,
    depends text NOT NULL,
    clears_provides text NOT NULL,
    size bigint NOT NULL,
    sha256 character varying(64) NOT NULL COLLATE pg_catalog."C",
    object_key character varying(128) NOT NULL COLLATE pg_catalog."C",
    modified bigint NOT NULL
);
CREATE TABLE public.mender_artifact_combination (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    name character varying(256) NOT NULL COLLATE pg_catalog."C",
    digest character varying(64) NOT NULL COLLATE pg_catalog."C",
    artifact_id bigint NOT NULL
);
CREATE SEQUENCE public.mender_artifact_combination_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_artifact_combination_pk_seq OWNED BY public.mender_artifact_combination.pk;
CREATE SEQUENCE public.mender_artifact_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_artifact_pk_seq OWNED BY public.mender_artifact.pk;
CREATE TABLE public.mender_attribute (
    device_id bigint NOT NULL,
    key_id bigint NOT NULL,
    "position" integer NOT NULL,
    text character varying(128) COLLATE pg_catalog."C",
    number double precision
);
CREATE TABLE public.mender_attribute_key (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    scope character varying(32) NOT NULL COLLATE pg_catalog."C",
    name character varying(1024) NOT NULL COLLATE pg_catalog."C",
    digest character varying(64) NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.mender_attribute_key_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_attribute_key_pk_seq OWNED BY public.mender_attribute_key.pk;
CREATE TABLE public.mender_auth_set (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    id character varying(36) NOT NULL COLLATE pg_catalog."C",
    device_id bigint NOT NULL,
    pubkey text NOT NULL COLLATE pg_catalog."C",
    pubkey_hash character varying(64) NOT NULL COLLATE pg_catalog."C",
    status character varying(16) NOT NULL COLLATE pg_catalog."C",
    ts bigint NOT NULL
);
CREATE SEQUENCE public.mender_auth_set_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_auth_set_pk_seq OWNED BY public.mender_auth_set.pk;
CREATE TABLE public.mender_counter (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    kind character varying(32) NOT NULL COLLATE pg_catalog."C",
    key character varying(1024) NOT NULL COLLATE pg_catalog."C",
    shard smallint NOT NULL,
    n bigint NOT NULL
);
CREATE SEQUENCE public.mender_counter_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_counter_pk_seq OWNED BY public.mender_counter.pk;
CREATE TABLE public.mender_deployment (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    id character varying(36) NOT NULL COLLATE pg_catalog."C",
    name character varying(256) NOT NULL COLLATE pg_catalog."C",
    artifact_name text NOT NULL COLLATE pg_catalog."C",
    words text NOT NULL COLLATE pg_catalog."C",
    status character varying(16) NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL,
    finished bigint,
    max_devices integer NOT NULL,
    n_pending integer NOT NULL,
    n_downloading integer NOT NULL,
    n_installing integer NOT NULL,
    n_rebooting integer NOT NULL,
    n_success integer NOT NULL,
    n_failure integer NOT NULL,
    n_noartifact integer NOT NULL,
    n_already_installed integer NOT NULL,
    n_aborted integer NOT NULL,
    n_decommissioned integer NOT NULL
);
CREATE TABLE public.mender_deployment_log (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    device_deployment_id bigint NOT NULL,
    messages text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.mender_deployment_log_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_deployment_log_pk_seq OWNED BY public.mender_deployment_log.pk;
CREATE SEQUENCE public.mender_deployment_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_deployment_pk_seq OWNED BY public.mender_deployment.pk;
CREATE TABLE public.mender_device (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    id character varying(36) NOT NULL COLLATE pg_catalog."C",
    identity_hash character varying(64) NOT NULL COLLATE pg_catalog."C",
    identity_data text NOT NULL COLLATE pg_catalog."C",
    status character varying(16) NOT NULL COLLATE pg_catalog."C",
    decommissioning boolean NOT NULL,
    revision integer NOT NULL,
    created_ts bigint NOT NULL,
    updated_ts bigint NOT NULL
);
CREATE TABLE public.mender_device_deployment (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    deployment_id bigint NOT NULL,
    device_id character varying(256) NOT NULL COLLATE pg_catalog."C",
    status character varying(32) NOT NULL COLLATE pg_catalog."C",
    open boolean NOT NULL,
    deployment_created bigint NOT NULL,
    created bigint,
    started bigint,
    finished bigint,
    artifact_id bigint,
    device_type text COLLATE pg_catalog."C",
    state character varying(32) COLLATE pg_catalog."C",
    substate text COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.mender_device_deployment_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_device_deployment_pk_seq OWNED BY public.mender_device_deployment.pk;
CREATE SEQUENCE public.mender_device_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_device_pk_seq OWNED BY public.mender_device.pk;
CREATE TABLE public.mender_device_token (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    jti character varying(36) NOT NULL COLLATE pg_catalog."C",
    auth_set_id bigint NOT NULL,
    issued_ts bigint NOT NULL,
    expires_ts bigint NOT NULL
);
CREATE SEQUENCE public.mender_device_token_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_device_token_pk_seq OWNED BY public.mender_device_token.pk;
CREATE TABLE public.mender_inventory (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    device_id character varying(36) NOT NULL COLLATE pg_catalog."C",
    document text NOT NULL COLLATE pg_catalog."C",
    status character varying(16) NOT NULL COLLATE pg_catalog."C",
    group_name character varying(1024) COLLATE pg_catalog."C",
    revision integer NOT NULL,
    created_ts bigint NOT NULL,
    updated_ts bigint NOT NULL
);
CREATE SEQUENCE public.mender_inventory_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_inventory_pk_seq OWNED BY public.mender_inventory.pk;
CREATE TABLE public.mender_user (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    id character varying(36) NOT NULL COLLATE pg_catalog."C",
    email character varying(256) NOT NULL COLLATE pg_catalog."C",
    password_hash text NOT NULL COLLATE pg_catalog."C",
    created_ts bigint NOT NULL,
    updated_ts bigint NOT NULL
);
CREATE SEQUENCE public.mender_user_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_user_pk_seq OWNED BY public.mender_user.pk;
CREATE TABLE public.mender_user_token (
    pk bigint NOT NULL,
    tenant_id character varying(24) DEFAULT ''::character varying NOT NULL COLLATE pg_catalog."C",
    jti character varying(36) NOT NULL COLLATE pg_catalog."C",
    user_id bigint NOT NULL,
    created_ts bigint NOT NULL,
    expires_ts bigint NOT NULL
);
CREATE SEQUENCE public.mender_user_token_pk_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mender_user_token_pk_seq OWNED BY public.mender_user_token.pk;
CREATE TABLE public.schema_migration (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp without time zone NOT NULL
);
CREATE SEQUENCE public.schema_migration_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.schema_migration_id_seq OWNED BY public.schema_migration.id;
ALTER TABLE ONLY public.core_signing_key ALTER COLUMN pk SET DEFAULT nextval('public.core_signing_key_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_artifact ALTER COLUMN pk SET DEFAULT nextval('public.mender_artifact_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_artifact_combination ALTER COLUMN pk SET DEFAULT nextval('public.mender_artifact_combination_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_attribute_key ALTER COLUMN pk SET DEFAULT nextval('public.mender_attribute_key_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_auth_set ALTER COLUMN pk SET DEFAULT nextval('public.mender_auth_set_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_counter ALTER COLUMN pk SET DEFAULT nextval('public.mender_counter_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_deployment ALTER COLUMN pk SET DEFAULT nextval('public.mender_deployment_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_deployment_log ALTER COLUMN pk SET DEFAULT nextval('public.mender_deployment_log_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_device ALTER COLUMN pk SET DEFAULT nextval('public.mender_device_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_device_deployment ALTER COLUMN pk SET DEFAULT nextval('public.mender_device_deployment_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_device_token ALTER COLUMN pk SET DEFAULT nextval('public.mender_device_token_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_inventory ALTER COLUMN pk SET DEFAULT nextval('public.mender_inventory_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_user ALTER COLUMN pk SET DEFAULT nextval('public.mender_user_pk_seq'::regclass);
ALTER TABLE ONLY public.mender_user_token ALTER COLUMN pk SET DEFAULT nextval('public.mender_user_token_pk_seq'::regclass);
ALTER TABLE ONLY public.schema_migration ALTER COLUMN id SET DEFAULT nextval('public.schema_migration_id_seq'::regclass);
INSERT INTO public.core_signing_key VALUES (1, 'mender', 'user', '49c4a795-35f0-4bcb-a9bd-2909784db30d', 'RS256', 'l7u/E10JVvdxFjWuWWJ0toHNGyE/zQ8P1O7LGOxViC/5ckovrnthsmsvl7WJ7m16Jwcb0zM2WvSt90eWIsBAX03sDMOi1TUpouyFgGCV/SNnPyFEhNNwuayck4bYAXnlDkhxBhR9aKnyFbmAqmBOFirpn22JUlryLxUgzg3p6UMwa5Jx3DuJp2/7yKfBwponnk+rl8zZegLgNacqbvsET+zWZqA03qHk0mDSZ7HJedzlublfsxCuKy969qMCUs3hbH1Cx4nW0KeKxf8eJ2uwrTymMfYzsXlQyktc/ChFvswMHEYaDmotSpAOYXThtJtIIsMq32tiFe6uhHInY7OdEUH0Q3zR1DJKczU6gcTnoBqsxFdEcQMQu1NLiAeRWdBAZfPs2Znujp1C9hMd0Ep88UOK34jJJgTrvDSS5eCdyNPazT5jjlwPYlwgy5SW3iPtJ6eVXpdoGfMaEeXTQaX0ydvffj1hQE/j8SuXFTyTONjL4Htgy+MMVhHSkNjPV2hh02hLhiyxX+ViA9oq3EaMIvjBZtBuei9WGa+jfA1mYXQwt6LljVzv2ModX/sEFFgAJbUVkUYS5bjIMkfSodwOqAUUO70mBM4c0Lvvjo/5h2rM/0AwiAGFR8tDOH2/Hcr8nhJgO/RH7IF21ByxxM7wnBPhn4ywJ+xra9BK5t6LDBf584kCK/anEP0sTshenmQ4U5LHP8GOF756Fo7Agtkg1c23PAW/q1Qzl5CZHUcGFlcmu7A3iMyJDulfyj3iBxs7G12IHdo0VvJyeivADWk+3Lybwp1oS7VtqY2aQjl9+U9o3xZymB6oSPsrXNwCwqG6OmDJWkYUtQo8ueJp98MnGxMAS8Mtltx6wUDYc1EGNnEbwXSwuMN55z7bPjJE8D201kv1Bj4wSsOweqyUoraTrFT6aFWrcXYNGvJFHMYyBydfeOnApS0jb2wun+AdYbDUZdEhs3X95v2b3axCUC18vrE7KKVTN8cccLozrwiTwx/X1GCoD4C31raLL+t2fQN8RGdRehayWAOMQimbUYeCLyoPIOotxcLLxPn19IUef2MuI4iDXl6+fAJD38P5a84gxm7ZeR2jksIinZq20AccE0mqo3PLnlsmP5vlOidPiYS36yjzV+M0MSZ6ADk3JjVC0CsyH1Fyy7LMo/J5/fTehz5ErGlC573BbxDIS2T0xTdzJGwGDxFqmyCXpu5uvuqtHYovI52YGdVIromeRVMzeJXw8lnALN6LrYxNka9orO7zXYfZk/U13lWHv9fhYHsyl9irq1cgUY67+ZKqvclzUA4mKXCJ6ARW64+yBcbLw98wwHK1AAI5ZFEbAyMTjQz8D91T6R9oU9u6/uf+d08XH65gkReSYYDSdlvh1bmJ2R/7OtZN+Ppyiw6VYcRsII30zZQ6492o9LTmjgL4zhP2bdzfjj+4Z92/6u2AmeIFMg/SMcZz+TezqVUl10ca9P/FaNQfR24UIljtUMN3Y8U+7d9D8vDlND7hq8P2cfgrnstKznUQEV7LH7Zxw6ocVXu9JpA17LIm18DyY3gPVnb0qhU5VJx4CGjbO8ZMi75euae3sht8Uam08bbWbIJ9/D8hmnfX6hctWKiswz/nbVj/XjyU+Ua+pTKdtuZI42kE/7FeTZCO7qTG4N6ZMLtz9fV3O16zu/OSCqP40Zj5kjvrMFW7Q/cUV23kGBWhDoplGRIDeCtNh1QognWAi+8nAtJApEfj+38aRpagD5f4Jzww/FEiGlDRpAO93GPD7nQJNCDNOKO3KcwO1bJE3eCRgVbKY+qYHHZ9dXOgNHQ8vinB+Pg0vtz59YBeVwC/Q3CyFXGZkxQDeevOKVDz9KPItzvY0ceAtApmMm8HxVpEz6uph7mdmjz1LNT3OAfhzZaxckMZti0NK4qC1lpaywSeI3cTXor24LGyhBhPeJ+SaOM3l6/eUYAd3lpvk5Wr2Bjqr7TpXLIjWq1E0a/etwFca9a80vIf9+bHt54B8fh7QQfJg5oCuNGdM0yNYft5zVLpO4DN8EkAUhx5tM6LTwRQFXzTLT+6XpE3J0ZebaKVWDNxvgUlo9a3Y5zJ9adMtYQy8+4cDqP9UpXcsHVwF6qwE4+9OEkngnsg9v+ZZAqpRwFkgEXIei/S7rEgp+wglHiCEbis8sBcwu4YEal0lfYczhfLmYNYgUypRVSayUYg4fnPfGZ/MVt7atrYlWLzFbzfHEbkltP3nJ1v5VGQvQI6caA3J80nypekxCSptKayfx3DgGZyGSgtR7819cLy4p55jj1dTNwVXkQ55F16kFSHrY04d/hdTA==', 1795591709466843);
INSERT INTO public.core_signing_key VALUES (2, 'mender', 'device', 'a7521fd7-0bba-4c9d-b7e0-845196151f26', 'RS256', 'NFeOQBYPB0w+pUHwySlfaQy2rrMNFj61qjXntY+y+MK32VInNPEB7Ev0bc0qHX3D2bacOFPyg5ZYiVorBZmlC0hXB36VV4E4j5ge/gN+qSJYyvyzB/kWbrqxA+TVwHrF0sWjNc8m8/Q3MEjt5MFQmkGwguRET6BFKrNMyzD0hR70MpqI2huiU4cxjAG8MkprIDRkMDnUINq5raQmnwh9BCMzusYx7V4pPMP2LV1cmZvwru462qRzrKSbHj2mvpmWnBHHGOq0ATtQ7KxT7/b29CNIjn1P8K+7K8nGDZNpljkoUW7IUBmoW7U+I2pmljMOMxKXh2WmttsmFTLmGCH4ydltCJNrriW8PDe5GdFuBXQrttyP/uxTqhybFMxIyP9CMkuqmOuADyPZZgs1M0nI3LxQXrj1nalDYauimPttvP8u3eDtHBBClVRfA+XTzdrk1g7qKNGrUfMxAN7z8LYsWqpoHfUwDpxmI21AME7QocDjtmxXH/+lLGjDfxRWVRlJueSBl/HmYwIlDs4onsnehMlR7U+wZkzNIzvFloQ3y51Dc30LDDuTARlKbv36lIFoicEv9OY6Ryg4OJMwM5uqQ3L5AzztUWNFcWRqM3QqOFensQMYhC/VigqbAlva9s2Ed6VynBq02QWeMgh032PK0mgj+zgeubaKpcVIByVG7VKmVdyGlUimfXuT8QNTb3Etvo1s7b0SvNM7eC2qtwW3/ctZGBomwPbb8rBbVdOIwwpWrbOizWNo6ZGUHxw2jbgeah+lfPNznRjiq3kcJoa3SNu947Xd3bWV88TKv3fSZwAGgXW0swWiZl8AGl/eLlVTiqBRqEnxvF0TNNUmCpWa62Pyezv98CPLS7NFECpr4YcyOPqgkH/1NHHX7Y6NS2L6yQpUTXoNBVkRk4z+rpBsTeoQaHWZofPvu5PMCFB+1kSsTeoLhPsgHyd9lf4Sg4TZ09Jc7TtLr8tcJA+12eC+rA0AW32mx34R3GBd2gh3cbCkBlIu01qHKWGKR06wXWy616gxjUA83ppuBwSyaa1xypKBSOqDEYcHEv3d4iW0laalV36R2RfZbs8E9h/EKMPh8yXoskGwkm/HETf2AmnlOVCp6xBfX8etf3NaFORLRN0dIRULl5PCqLcrwTX0Poc476wLizGo+9n91JULf+fyFPtwCM0UqQXdGwFrfCne1PZoC4nAAs4j3+bEyoz3nziiVkifKaycDhPMeVKaio0hj11NCKhZFLIsdQEcd9I1ygddb5ecLKwdWNMuyyotsm7V2erBp5cl9KqAmG+6PFL0wxIBS1dalcJIZKPwRaIKL2WwfvPox3UkJcFWi9lnlJt/aHD1aRs0i/gwPXsVrMF2xK/eugXb/pQRhsyZjfX4vO5ldhVY/eOts0zJVYmKQu55J7Cp+hAQ3pfBzSQTYuXgT8/v7LP2BotfRJ5t2EApV3UCwVuKrarph71iigXlq7sjtJoTC36fowVkLoaPPORFGO5y+PryKqxX2r2xzuMXszxpcDQYrZxV8kvbcF4yhmuJpAVq031ZsCjIMwAWlzb/+q4nNFb0L8GBmgbTDvg0/yJMcyqJl31YezI6n+G+Be/wvdVzZ7zOCQaDqXOcgqM33dEILgAZt/LYV6xEl5QUIZ8NFsk9QAExFGn6wG2R6Ydyn0eVg4Y+AderjbzodN7k/ppnssrEQ1WT6Y0HhSebr/pz6FC7uXGcAq2gSEMMBNR3yyEv8L1oEq+y4IG4zTJvtqxPVbEtHrU5XHs3IxZACvEYzJCWKVjygga72zBdUPJ00glJj99xQpbAGxAKDQfj1cxJtWF2wtZp42C8xWB788JyEJ4Iv/nG8guf2d9Lk08bJ4XGNxQU8ycO+VhlMm+DGyTgbeH2ilbG5m9vyKbW318c3bAwQxqpNkGReXIwYHl4e2Whhg+Q7Tty/FxikpeXu4c1iJW7plS8AzkhhDTCcQcW5G6fgZkA51t7a9ranttMIl4tf0Xz4qAkPHJzZzKGhbKaM1AQKWi4P7IAnljLK8XKWZmHRbS+Jnjry3vZoppQR3XnYUeSTfv4CArsxRGBCCseg5dMxOu0BR40lxgmgFiOrG6vo7q/Xhu7IzynSCz89Irr0RvElkQfXr7SVYDy05nslxpXdu109YrBDFDOCNpr2E2qW+AQQwpZemVj2jUXbl999L4dCEF6cpv0BOoSVhvOe3fD4lPSmaSQYv9IsUdDKkPmCoFSGpYxBNDnVrAWys+8K1rbPpcFCrOHD4Oj/fWi8AE8nNkRLUue2PD1ZECOdPpjLzwG5pl/cRJclv6jiDbwfg==', 1795591709536725);
INSERT INTO public.mender_artifact VALUES (1, '', 'e38bcd88-e89a-432c-8af7-f7966465956a', 'release-1', '', 3, false, '["board"]', '[{"type_info":{"type":"single-file"},"files":[{"name":"file","checksum":"e63266e06b5f22806d9dd1252ac7c4d99c912e5e208cdadfa2a460effe696ffd","size":700,"date":"2026-11-25T09:46:40Z"}],"meta_data":{"reboot":false}}]', '{"artifact_name":"release-1"}', '{"device_type":["board"],"region":["eu"]}', '[]', 10240, '2464dc4edce4e2a6bab3531745eb56a97a71298a48aa549a7e27fecd54c708ab', 'mender/artifacts/e38bcd88-e89a-432c-8af7-f7966465956a', 1795591715894741);
INSERT INTO public.mender_artifact_combination VALUES (1, '', 'release-1', 'fa9902adc4ec758f89c0b70e8893a5c54d9faa8f2e3730d10b92af0e2d5c7439', 1);
INSERT INTO public.mender_attribute VALUES (1, 1, 0, '02:00:00:00:00:01', NULL);
INSERT INTO public.mender_attribute VALUES (1, 2, 0, '1', NULL);
INSERT INTO public.mender_attribute VALUES (2, 1, 0, '02:00:00:00:00:02', NULL);
INSERT INTO public.mender_attribute VALUES (3, 1, 0, '02:00:00:00:00:03', NULL);
INSERT INTO public.mender_attribute VALUES (1, 4, 0, 'board', NULL);
INSERT INTO public.mender_attribute VALUES (1, 3, 0, 'base', NULL);
INSERT INTO public.mender_attribute VALUES (1, 6, 0, 'eth0', NULL);
INSERT INTO public.mender_attribute VALUES (1, 6, 1, 'eth1', NULL);
INSERT INTO public.mender_attribute VALUES (1, 5, 0, NULL, 0.5);
INSERT INTO public.mender_attribute_key VALUES (1, '', 'identity', 'mac', '6aef78bb48ae75a2a93e0643f7d0782e42e281d65d87116cb494f6b043dce67d');
INSERT INTO public.mender_attribute_key VALUES (2, '', 'identity', 'sn', '6d9f046cd7f7518909d42cf8112774d7c96f58d6600f020ac2c0d43f77f352f5');
INSERT INTO public.mender_attribute_key VALUES (3, '', 'inventory', 'artifact_name', 'c2597cebe56d027edf0d5b6bd7632176d26ce5665d29a7790bc45bace33421fe');
INSERT INTO public.mender_attribute_key VALUES (4, '', 'inventory', 'device_type', '8581779d384ad437bafe863b86ae0804f9b1f88ea5903d6f0c64bb17c44924a8');
INSERT INTO public.mender_attribute_key VALUES (5, '', 'inventory', 'load', 'ac703117ea0894a232a46a94681e21728b46b1d8e27c910cb83cb66b7fe0bed3');
INSERT INTO public.mender_attribute_key VALUES (6, '', 'inventory', 'ports', 'd5673f741687ee4b070fceb163d948464bb905b803949e713be23be8c21a673b');
INSERT INTO public.mender_auth_set VALUES (1, '', '738ff7ce-7d31-4628-a1bf-49eec48bd97d', 1, '-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7lGVWaSGQlv1e/z7QtozUj8SjW7a
YgQANXw53E0a5BO8uG4d9LgnpLkfbwnztnlBwgKc4roenYZfejFDO34aRA==
', '7311eeb7eddc8ed4c8a442a15c140ff5b5f2d2d7bcbb8426a8b7dc250a38590a', 'accepted', 1795591714810645);
INSERT INTO public.mender_auth_set VALUES (2, '', '2972d57f-c958-43c3-a160-029c42d169fd', 2, '-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE5AYWgvbnn+X3r1u6dT7mz7L+nYUx
OD/hZW0PSC9r3bGu1JZCiTSAE7YL96Su68uK5OVIJmPFZi9qG5yhpicZNQ==
', 'e4be91822735f25f20ca5d0dcf611059b0775bb8d44e5fff8b400412ccb3d4ca', 'pending', 1795591715424469);
INSERT INTO public.mender_auth_set VALUES (3, '', 'db5b7e9f-00c3-4360-a941-e16ce42b5623', 3, '-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/glRYtaLKoQLTi0DwUWWzh5ejxxG
Y2anKFNHSMrc6WJpI7UHjDekQyeM6E6/dY38hCuzVHYmuBMkqBwYyNyI/Q==
', 'd2c1caeb7473170f3b6bb084d58f952bedc1ae430d93298250a31d9d2e12361d', 'rejected', 1795591715518357);
INSERT INTO public.mender_counter VALUES (4, '', 'device', 'accepted', 7, 1);
INSERT INTO public.mender_counter VALUES (6, '', 'inventory_status', 'accepted', 7, 1);
INSERT INTO public.mender_counter VALUES (1, '', 'device', 'pending', 5, 3);
INSERT INTO public.mender_counter VALUES (2, '', 'inventory', '', 5, 3);
INSERT INTO public.mender_counter VALUES (3, '', 'inventory_status', 'pending', 5, 3);
INSERT INTO public.mender_counter VALUES (5, '', 'device', 'pending', 7, -2);
INSERT INTO public.mender_counter VALUES (15, '', 'device', 'rejected', 7, 1);
INSERT INTO public.mender_counter VALUES (7, '', 'inventory_status', 'pending', 7, -2);
INSERT INTO public.mender_counter VALUES (17, '', 'inventory_status', 'rejected', 7, 1);
INSERT INTO public.mender_deployment VALUES (1, '', '50fd8b8f-cb4e-450b-a0bc-6c47af86818f', 'production', 'release-1', ' production release 1 ', 'inprogress', 1795591715950048, NULL, 2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0);
INSERT INTO public.mender_deployment VALUES (2, '', '8dbc6615-b392-4c07-bc27-959606910d4f', 'next try', 'release-1', ' next try release 1 ', 'pending', 1795591716196658, NULL, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.mender_deployment_log VALUES (1, '', 1, '[{"timestamp":"2026-11-25T05:33:12Z","level":"error","message":"no space left"}]');
INSERT INTO public.mender_device VALUES (1, '', '730ea2b8-0054-413f-ab82-46ee6182bb3a', '7e7d08e5762d10587b382a2adc129e9ee3b2a31da865d1d03de52bf19834244d', '{"mac":"02:00:00:00:00:01","sn":"1"}', 'accepted', false, 2, 1795591714810645, 1795591714992259);
INSERT INTO public.mender_device VALUES (2, '', '3afd0cd0-f4ef-4506-b5c2-31f73a450cf8', '22c8977bb6949dd58ab135b82448144ed3d1d425a096f93a112cb7e8ca14e62e', '{"mac":"02:00:00:00:00:02"}', 'pending', false, 1, 1795591715424469, 1795591715424469);
INSERT INTO public.mender_device VALUES (3, '', '302aef6a-3bde-41a2-a4b8-d6327ee9ed4c', 'bf55115519e433ab2a453bf5509c25fce42a288548d1c3be5d59bb87665f51a2', '{"mac":"02:00:00:00:00:03"}', 'rejected', false, 2, 1795591715518357, 1795591715714190);
INSERT INTO public.mender_device_deployment VALUES (2, '', 1, 'device-never-seen', 'pending', true, 1795591715950048, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.mender_device_deployment VALUES (1, '', 1, '730ea2b8-0054-413f-ab82-46ee6182bb3a', 'failure', false, 1795591715950048, 1795591716004032, 1795591716136752, 1795591716136752, 1, 'board', 'failure', NULL);
INSERT INTO public.mender_device_deployment VALUES (3, '', 2, '730ea2b8-0054-413f-ab82-46ee6182bb3a', 'pending', true, 1795591716196658, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.mender_device_token VALUES (1, '', '738ff7ce-7d31-4628-a1bf-49eec48bd97d', 1, 1795591715024379, 1796196515024379);
INSERT INTO public.mender_inventory VALUES (2, '', '3afd0cd0-f4ef-4506-b5c2-31f73a450cf8', '{"id":"3afd0cd0-f4ef-4506-b5c2-31f73a450cf8","updated_ts":"2026-11-25T07:28:35.433849Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:02"},{"name":"status","scope":"identity","value":"pending"},{"name":"created_ts","scope":"system","value":"2026-11-25T07:28:35.433849Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:28:35.433849Z"}]}', 'pending', NULL, 1, 1795591715433849, 1795591715433849);
INSERT INTO public.mender_inventory VALUES (3, '', '302aef6a-3bde-41a2-a4b8-d6327ee9ed4c', '{"id":"302aef6a-3bde-41a2-a4b8-d6327ee9ed4c","updated_ts":"2026-11-25T07:28:35.521478Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:03"},{"name":"status","scope":"identity","value":"rejected"},{"name":"created_ts","scope":"system","value":"2026-11-25T07:28:35.521478Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:28:35.521478Z"}]}', 'rejected', NULL, 2, 1795591715521478, 1795591715521478);
INSERT INTO public.mender_inventory VALUES (1, '', '730ea2b8-0054-413f-ab82-46ee6182bb3a', '{"id":"730ea2b8-0054-413f-ab82-46ee6182bb3a","updated_ts":"2026-11-25T07:28:35.788980Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:01"},{"name":"sn","scope":"identity","value":"1"},{"name":"status","scope":"identity","value":"accepted"},{"name":"artifact_name","scope":"inventory","value":"base"},{"name":"device_type","scope":"inventory","value":"board"},{"name":"load","scope":"inventory","value":0.5},{"name":"ports","scope":"inventory","value":["eth0","eth1"]},{"name":"created_ts","scope":"system","value":"2026-11-25T07:28:34.814067Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:28:35.788980Z"}]}', 'accepted', NULL, 2, 1795591714814067, 1795591715788980);
INSERT INTO public.mender_user VALUES (1, '', '90381b1f-bfaf-41da-ac73-8fb494e88d52', 'ada@example.com', '$argon2id$v=19$m=65536,t=3,p=4$DZFuHUPqRj+j7iTlzbl6Wg$U636dD43QcHXa5EoI3cuS+DqXxjbjQ1ytbXUuGtTSJ4', 1795591713799685, 1795591713799685);
INSERT INTO public.mender_user_token VALUES (1, '', '3396db12-e013-467c-b254-324a57d7ef76', 1, 1795591714433256, 1796196514433256);
INSERT INTO public.schema_migration VALUES (1, '0001_initial', '2026-11-25 07:28:29.384588');
SELECT pg_catalog.setval('public.core_signing_key_pk_seq', 2, true);
SELECT pg_catalog.setval('public.mender_artifact_combination_pk_seq', 1, true);
SELECT pg_catalog.setval('public.mender_artifact_pk_seq', 1, true);
SELECT pg_catalog.setval('public.mender_attribute_key_pk_seq', 6, true);
SELECT pg_catalog.setval('public.mender_auth_set_pk_seq', 3, true);
SELECT pg_catalog.setval('public.mender_counter_pk_seq', 17, true);
SELECT pg_catalog.setval('public.mender_deployment_log_pk_seq', 1, true);
SELECT pg_catalog.setval('public.mender_deployment_pk_seq', 2, true);
SELECT pg_catalog.setval('public.mender_device_deployment_pk_seq', 3, true);
SELECT pg_catalog.setval('public.mender_device_pk_seq', 3, true);
SELECT pg_catalog.setval('public.mender_device_token_pk_seq', 1, true);
SELECT pg_catalog.setval('public.mender_inventory_pk_seq', 3, true);
SELECT pg_catalog.setval('public.mender_user_pk_seq', 1, true);
SELECT pg_catalog.setval('public.mender_user_token_pk_seq', 1, true);
SELECT pg_catalog.setval('public.schema_migration_id_seq', 1, true);
ALTER TABLE ONLY public.core_signing_key
    ADD CONSTRAINT core_signing_key_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_artifact_combination
    ADD CONSTRAINT mender_artifact_combination_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_artifact
    ADD CONSTRAINT mender_artifact_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_attribute_key
    ADD CONSTRAINT mender_attribute_key_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_attribute
    ADD CONSTRAINT mender_attribute_pkey PRIMARY KEY (device_id, key_id, "position");
ALTER TABLE ONLY public.mender_auth_set
    ADD CONSTRAINT mender_auth_set_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_counter
    ADD CONSTRAINT mender_counter_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_deployment_log
    ADD CONSTRAINT mender_deployment_log_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_deployment
    ADD CONSTRAINT mender_deployment_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_device_deployment
    ADD CONSTRAINT mender_device_deployment_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_device
    ADD CONSTRAINT mender_device_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_device_token
    ADD CONSTRAINT mender_device_token_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_inventory
    ADD CONSTRAINT mender_inventory_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_user
    ADD CONSTRAINT mender_user_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.mender_user_token
    ADD CONSTRAINT mender_user_token_pkey PRIMARY KEY (pk);
ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (id);
CREATE UNIQUE INDEX core_signing_key_kid ON public.core_signing_key USING btree (kid);
CREATE UNIQUE INDEX core_signing_key_system_kind ON public.core_signing_key USING btree (system, kind);
CREATE INDEX mender_artifact_combination_artifact_id ON public.mender_artifact_combination USING btree (artifact_id);
CREATE UNIQUE INDEX mender_artifact_combination_tenant_id_name_digest ON public.mender_artifact_combination USING btree (tenant_id, name, digest);
CREATE UNIQUE INDEX mender_artifact_tenant_id_id ON public.mender_artifact USING btree (tenant_id, id);
CREATE INDEX mender_artifact_tenant_id_name_id ON public.mender_artifact USING btree (tenant_id, name, id);
CREATE INDEX mender_attribute_key_id_number_device_id ON public.mender_attribute USING btree (key_id, number, device_id);
CREATE INDEX mender_attribute_key_id_text_device_id ON public.mender_attribute USING btree (key_id, text, device_id);
CREATE UNIQUE INDEX mender_attribute_key_tenant_id_digest ON public.mender_attribute_key USING btree (tenant_id, digest);
CREATE UNIQUE INDEX mender_auth_set_device_id_pubkey_hash ON public.mender_auth_set USING btree (device_id, pubkey_hash);
CREATE UNIQUE INDEX mender_auth_set_one_accepted ON public.mender_auth_set USING btree (device_id) WHERE ((status)::text = 'accepted'::text);
CREATE UNIQUE INDEX mender_auth_set_one_preauthorized ON public.mender_auth_set USING btree (device_id) WHERE ((status)::text = 'preauthorized'::text);
CREATE UNIQUE INDEX mender_auth_set_tenant_id_id ON public.mender_auth_set USING btree (tenant_id, id);
CREATE UNIQUE INDEX mender_counter_tenant_id_kind_key_shard ON public.mender_counter USING btree (tenant_id, kind, key, shard);
CREATE UNIQUE INDEX mender_deployment_log_device_deployment_id ON public.mender_deployment_log USING btree (device_deployment_id);
CREATE INDEX mender_deployment_tenant_id_created_id ON public.mender_deployment USING btree (tenant_id, created, id);
CREATE UNIQUE INDEX mender_deployment_tenant_id_id ON public.mender_deployment USING btree (tenant_id, id);
CREATE INDEX mender_deployment_tenant_id_status_created_id ON public.mender_deployment USING btree (tenant_id, status, created, id);
CREATE INDEX mender_device_deployment_artifact_id ON public.mender_device_deployment USING btree (artifact_id);
CREATE UNIQUE INDEX mender_device_deployment_deployment_id_device_id ON public.mender_device_deployment USING btree (deployment_id, device_id);
CREATE INDEX mender_device_deployment_tenant_id_device_id_open_deploy_81cabd ON public.mender_device_deployment USING btree (tenant_id, device_id, open, deployment_created);
CREATE INDEX mender_device_tenant_id_created_ts_id ON public.mender_device USING btree (tenant_id, created_ts, id);
CREATE UNIQUE INDEX mender_device_tenant_id_id ON public.mender_device USING btree (tenant_id, id);
CREATE UNIQUE INDEX mender_device_tenant_id_identity_hash ON public.mender_device USING btree (tenant_id, identity_hash);
CREATE INDEX mender_device_tenant_id_status_created_ts_id ON public.mender_device USING btree (tenant_id, status, created_ts, id);
CREATE INDEX mender_device_token_auth_set_id ON public.mender_device_token USING btree (auth_set_id);
CREATE UNIQUE INDEX mender_device_token_jti ON public.mender_device_token USING btree (jti);
CREATE INDEX mender_inventory_tenant_id_created_ts_device_id ON public.mender_inventory USING btree (tenant_id, created_ts, device_id);
CREATE UNIQUE INDEX mender_inventory_tenant_id_device_id ON public.mender_inventory USING btree (tenant_id, device_id);
CREATE INDEX mender_inventory_tenant_id_group_name_device_id ON public.mender_inventory USING btree (tenant_id, group_name, device_id);
CREATE INDEX mender_inventory_tenant_id_status_device_id ON public.mender_inventory USING btree (tenant_id, status, device_id);
CREATE INDEX mender_inventory_tenant_id_updated_ts_device_id ON public.mender_inventory USING btree (tenant_id, updated_ts, device_id);
CREATE UNIQUE INDEX mender_user_email ON public.mender_user USING btree (email);
CREATE UNIQUE INDEX mender_user_tenant_id_id ON public.mender_user USING btree (tenant_id, id);
CREATE UNIQUE INDEX mender_user_token_jti ON public.mender_user_token USING btree (jti);
CREATE INDEX mender_user_token_user_id_created_ts_pk ON public.mender_user_token USING btree (user_id, created_ts, pk);
CREATE UNIQUE INDEX schema_migration_name ON public.schema_migration USING btree (name);
ALTER TABLE ONLY public.mender_artifact_combination
    ADD CONSTRAINT mender_artifact_combination_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES public.mender_artifact(pk) ON DELETE CASCADE;
ALTER TABLE ONLY public.mender_attribute
    ADD CONSTRAINT mender_attribute_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.mender_inventory(pk) ON DELETE CASCADE;
ALTER TABLE ONLY public.mender_auth_set
    ADD CONSTRAINT mender_auth_set_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.mender_device(pk) ON DELETE CASCADE;
ALTER TABLE ONLY public.mender_deployment_log
    ADD CONSTRAINT mender_deployment_log_device_deployment_id_fkey FOREIGN KEY (device_deployment_id) REFERENCES public.mender_device_deployment(pk) ON DELETE CASCADE;
ALTER TABLE ONLY public.mender_device_deployment
    ADD CONSTRAINT mender_device_deployment_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES public.mender_artifact(pk) ON DELETE SET NULL;
ALTER TABLE ONLY public.mender_device_deployment
    ADD CONSTRAINT mender_device_deployment_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.mender_deployment(pk) ON DELETE CASCADE;
ALTER TABLE ONLY public.mender_device_token
    ADD CONSTRAINT mender_device_token_auth_set_id_fkey FOREIGN KEY (auth_set_id) REFERENCES public.mender_auth_set(pk) ON DELETE CASCADE;
ALTER TABLE ONLY public.mender_user_token
    ADD CONSTRAINT mender_user_token_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.mender_user(pk) ON DELETE CASCADE;
