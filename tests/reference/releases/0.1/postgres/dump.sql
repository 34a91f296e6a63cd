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
INSERT INTO public.core_signing_key VALUES (1, 'mender', 'user', '5278f206-260a-480a-a0a4-2a4e4fc6822a', 'RS256', 'vQMvJk8FqdU7u+IpKcA2WEL2cWY5hwOcx9fQmuWhySAmDGzAd9zQNiUphv8eCZQ6R+/l1b8wlqsLsaI30uFCpb3+TEN00MBpONvwssCpqGTSmOA+0o1b8NMUynJfq6tztsqEVdTngpVA+zzmbNtihJF0K0HpVaA1xRp5L2Oui0XG5KeCPXcSDnZ5QizzmZ3uouIo+2QDPWCg++uPly1p2SBEaPDZuhfk3GwOWXeSx5/HO7wF1U7NVjyVCtBig81hdFrGv+rQQNQfR3o63SQzCgZ+Mwdkr6wzSMsXhq5Vi7KRGm5262KVY06VX0sfJX2khE9F4I6bnc3+OnwNa1TCZ0B76oAQsBohKPtEgyf/nUzZmmq0ejeWGfB6DNTpYwHS5ZcA566foblehiiaA3BBAIjSJIS9DrBg1KyTk0C6LYtmmeEqVais/cC+RSH0Z7DbjIaEBRi2rTG4C9NzX9BP4xZAYHyBGmEoK2W6A1jZks21aKAXjA+Az5lIcQp5JqgQrSy41KTGxpyoxKrwtNEsjd1vl0shQdXdR6SS/310bZf+XjY5I2QidD7/PGUWu24Zfq7ff5iG05kK733Taj5O5ZeKf949gUUEXl+CqI26Bqqm46IaXMHFpdr0EB74nefLkNCakvM+iypIa87TwFmeoKKwWNTo7eCYqL0RWngAqNqHZGoHu9ig42dD+LwFtfgyRAn3vKpMEHuAQH1OypvN4gvAH2RW0Wb8Ajqx0hsDhrNEuDrGlSbJP1IhFBRoEEjehnxAvnkoJemOcc1CiQOLpRx9KuZxlUwri6tIE6sDfr1C0R/+n5JRGqUwfwsI0LyP+AfvDeThsrk/0Qi1CPtI/nYET46PdZDeLd/0JXSbk3n1ljJxXJYcpdj5q3h8NtrZigBS+9/5nWD1eY3oI+l7J1cj8AZsh4cCx54dM5z5doq5fLtQUkmR72WQN7qE1iCcGTRB7ADDE9f4sd0tsJmzhMZaK3i4wZLTo6QHnG8Wg9BHm82yZjsRxsouPXg4ssNj8uMQcNuvnaf3mn6cA2BsJ4JjSpCZ/N/KET1YWCoi0m+57PZd+WR/dizxYj1e1s86OnYNkb5jDb10VoARP3ApkCoDklBlR1zMvkUjYjGpybuoB4YBAw3PWuQqoi2kIeoX+xqDkZdjEFHi13vBBGvBpeZcd4vBl6K59QOn/xwq4fnn953qWyl6u86+Bv3k/Fv74/BiXxSjeJFTVhINk+RZI/fCFeRYYmMhaxKIVpz1/7I0mL5FYZ1956rwF3eXSgGnOQDwjKOQ5vNrG6+y0UV+N0EpnodehcRmz/B+ahwAbkzCpkHs2y4X+XEkVqDrb7mK4ugoaVOVIioOvST2LgO5bPEp1nOlGl3LeVHQZWtLHjA+Fmx6xYd2Y8Hr8hjME3P84P6shOXJF9ZNMAVjmXrw6brnNi0RycHyLRaP9G1zFwGwpgvLiH+vvhU7RZRTLGYbdlQ/lLVFrS+3LEn0XJF5omTX+6/lbMZ/e5FrBWzb+gaJ5QSgYB4y4ZBJX7tdBvH2jmNmw+pTpg0MIqAqVHe0e+KZdLj6gwBttUfH+im4VBZo2kGO24Pc6AIzrhT3Ya2W9RxznLBExYnE/S6LuqtWIQ9Dda6+gWH6YwKuHSIAnSNbuIYSKXYd8ICvCqixuZL+YUz4OCJnDraTMloFknMpuQqBniKQIFq4WfR76JD6M40yznuJ49zSFbPuKO4ruJPurWEl6p4ijg0uySMo2A7F+5AI5v7+0Z+yoQ9JA1eB+QxlnFJja99o1s6YpzFCoorfAWIjbuIa94+7mR1cSoSqm5txwZNBZg5eCD2+hZkhlPZ1lYsYEJsCnGPkD49+tEWl2qzdVsHEaRxa9iYLCtpt2A32lEfIBfFVgv2xVe90CTlq+BbloLv1dHZEVTDR0wjin/OAlUBYtoDTQxo7q9DrFL1hAbvG1u7970lFvCM+Y6uzBm2zJ+ChI6CN87JBH8mnOBwehpzasJ2DUCC7tFiXkuD6ZZjyr95knSm2EWp6w90IIWuSY7KggcIRRlK3uJLpwV6ZgD/6L0eo0hja3kTcz7CNpXWdVny0YSGTceNxEnjDAK9yZIwPIImMDGN+Jrt+svbVvNgSc3YeBylme2xF4c4MH5GFHjjUpk4f6yXnuQMZ3x7tziBMSkveyJXaHCSBPgV8EhLDSr18QBkVWL1FK5C5AZJ3zycbRBCJmEemE0eN4fY67vhNXA3hFu4vUwfI8Ok/0wR33ukp6kTFThqayvGnnSiFbkcaFZ4QKM0TJa5AGIL54u2vHmLIauEfo5SHf6bkow==', 1795591849838243);
INSERT INTO public.core_signing_key VALUES (2, 'mender', 'device', '92a54491-a1c6-4808-a324-90d260ba7541', 'RS256', 'Utok7bSV+YY/SjNSIkXrDREx2Qvw+PL4OhL4ISQm91kvZYHqJYnB5I69kPRekwPS7owvFTqNDgvPzRGy9LihnQSC7iRFJVR80a+hGUh3d6aI+yQXawU1ZFW+tSDyKExmV8qrIn0nGDKZMlpquXCfQ1By+pii6pOZ5ScHnjf2IDXk7gLB+o3muD4vfVUVwfv3F47eYDHrT21hIQPY1BHOeU5SfVbbxQRrIV8xG5nuNKbDH49432eL01qlnDGvW2Sqf1yMeulBPLSJzvnnfudBN1gNG0krCUCMm6xOhlTjVABu9rTFPX6Y25B/0MhnkICsX3Ey+AWt+n+UIlwA5O9t9x5Uh0S27rnDegrB1ovwRo/Slq/XQcvuQmP+3J2dlBetT/bxStLmlAlw1mtYOuAkticvnRdYac8GKTQ1Fa+yyGlY72UvaoLJorvAL+0gsI236brJ5f89dFNrsnjKbsyI7T6ao27xY/b9sfmAr0QcM9R0YP5yowZQxwHKoZ+e+0+FlcF51jdkSHxC53EkRRMavY3lAHZjAleEV4cK3njtmN/SR3ssurRV07aZf8yhSQAprHsP4QK4yvj/BSkAB1xQCuYjDI4F/HWIl9aM3XmgyrpiITg3WvW30/A1BRv0uWahjdvyKWb439ZQnKwX/wylPSXS+gLZb2ggztyuexAPZgokMkhXNxfGIERQNDrIb2qvphBf7J74BXtkhhCHX5BpgaK8RaIgHKq9nCiDd1q7GxWMynv9egjzqbcNByT78puo4mzkc8AgsQVPPljK4DpsNXxCSmr3yQoewsjm6w9W5kwWZ9PzMdBwTirh2UGtC8RLw5RarKZn4lN0wJdm0GSiJ/YXkAeopIbUwe4UiCsw+B67njx1iASm9JhBsH16ekXfxS5xFFred29Y3ctfQsYWOqic+/lJWoaAmyDzp4arjT7R4gSIGQllhu9bHddkv026Mqs+HoRCprV8A7d+OJbXc8GzUkt4rTk5Ch4BKrpk6XfYgJJ85u9leMVD4P0xaJGXt9tfTIqSsV2YHvbF8hWGGQ6Ys/1ZBZ8BMAj3D319j3MaqqmX5Om+LgsYpxtMPKc6cLtQc9TnHbTw7XuU7b7Z3AhTV6pR63K0gb2hREDGD/YY4VrN0Md9S84iBy4xG5HP9JxlVzEnRMsNismDQOlthBfFOmb3+rq9q/FjovoiU1Mh4/JVn29lF0Zqk58DhirJOK92NCMxil6MxL3BYVuZSUWG7vg8/gv2CaIXYcTfOlALMsSSzHvMZk1AiPTvOooR9VlE/0xxT/pmuDusfOTJAbWBpMGFlVgr1o7EVXzAYxNIF/oX2yNm65ii1XgLxAWSuvOl5dVciCCpbgyjMy4Otnc15Bf2eT7VGLzs2EbAcNrAn9d89BD77sx5q68z3E9ub/VvCDT57Kg6soPMMbdipBGl8Y6RpzNY3s5x46uBBliUOFiV+9H7oQvab2YqIdh7mCRwLxplIdZGHS1UfcCE1BJKO7yf0ElxOC7tB7Q6DoK8simIaHxFq7U7z9lFqpSG8plwpIhhvhNJu5h6oUNOUKrHsTa23s3RlrfXdsHPMnngpoqjWn62gz50KN/sF9F59X/DjH0mhGMVIDcZ/U0IoGwkEyizANs+2wUqLOyNudAyIQ5VqnR/7gpNHBaMzDv3Nns43b4cPEJzZbH9GD9tiv/xXG+J7rxD+ZQTLpDuwq1Ql4+vXMH5oDvEaTljqCcwlpGu5bINcxR/V2fzXKT8sjUMe3Ek/xMsQCMKoy/AeFUA6pxcDq9H713iyoAPd5wQpJqPPQ/mf9N1GIoOwIVWEqE92dyr2MzKJHA2Ws84Y28RKdqqmSoTHzZbUdK0LrgU3rRr+iLDV62Z9wK2vKDA+UkG8MsjO97c4CaS3KgpYFxg4pTUyDB4cjrGu4iYcuZv3eECbwDAGsYmm5AlCGJHdAjEMzrExLcXoltMrlUjKPDPQxC19irylc8Inr5AF4OkhUCIFbwG4Dsm4hpTx8wcaXpRrtsL3sTmmQqOxKqdFzuJ/CjhZhoKD7KnzUbJ899+kFdgbpQpdW55eryiW4R2RU3WAml4jxnDIKV1OwJ1M5CQnkTvt7/CvEAHvQP83FukDu86xFfott6Z4v4jGByHGPAkwIRtsMZUommHOCPakoqSDNOmNLApE++WizexcY9Dqx+0HkdjGFAmxWRam8huoiD9AMS9xxz3OhgeH3Tq2myoWbMYxzVJf1+8j8BOjYrgafdQC1Y+LI8u5XUcfOB3uH1hJrYrS2MxkX4ceddGxqaTQSwyzdc0iJQKXrgJiEI8Feynxg==', 1795591849915852);
INSERT INTO public.mender_artifact VALUES (1, '', 'f20aebb6-3fa0-48c4-b73f-f33de9acf4de', 'release-1', '', 3, false, '["board"]', '[{"type_info":{"type":"single-file"},"files":[{"name":"file","checksum":"e63266e06b5f22806d9dd1252ac7c4d99c912e5e208cdadfa2a460effe696ffd","size":700,"date":"2026-11-25T09:46:40Z"}],"meta_data":{"reboot":false}}]', '{"artifact_name":"release-1"}', '{"device_type":["board"],"region":["eu"]}', '[]', 10240, '2464dc4edce4e2a6bab3531745eb56a97a71298a48aa549a7e27fecd54c708ab', 'mender/artifacts/f20aebb6-3fa0-48c4-b73f-f33de9acf4de', 1795591859144616);
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
INSERT INTO public.mender_auth_set VALUES (1, '', 'cfdbeabf-62da-4795-b804-14652e005669', 1, '-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAMmldynDoG7zz57Li2ztep5Eu6NO
TCzDrwiWzmXDkSQdEj1vfWfTvFO7CsM7zzRoT/EyEB1HzzNw1nFWzqRi/w==
', '9e78badeb1cf4fe16e065c39cf5444da4e9008d9de05a60192f195e4f9e93077', 'accepted', 1795591857840094);
INSERT INTO public.mender_auth_set VALUES (2, '', 'a5014f5e-2c86-4e59-a255-c5229e02c1f6', 2, '-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4kqGOvGEKO2WtfWKS3B4O0RN2RPB
VT+Bc53yjr35/woa6RGQnh8G+tJkSpnihMGQa+O9/Nm/lzNJGm4JKd4yHg==
', 'cd373300c737171eca6b7150041f0947b58b36c7ab3c0278287e7066dd365deb', 'pending', 1795591858632898);
INSERT INTO public.mender_auth_set VALUES (3, '', '724fed3e-91c9-450b-9ef0-a51246068a13', 3, '-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsoFO8Zirzcsj+hntxwi9bvH5q0MY
u4dsqZ9BLZ746R/SjFfRAnIuJBgURC4aG1NA6qsRQEtsa+Au2v7m1bFPMw==
', 'c54776a651390ebbc099fc4a8700015ed599f927e25e69525f03bce9e8cb6816', 'rejected', 1795591858757945);
INSERT INTO public.mender_counter VALUES (4, '', 'device', 'accepted', 4, 1);
INSERT INTO public.mender_counter VALUES (6, '', 'inventory_status', 'accepted', 4, 1);
INSERT INTO public.mender_counter VALUES (1, '', 'device', 'pending', 1, 3);
INSERT INTO public.mender_counter VALUES (2, '', 'inventory', '', 1, 3);
INSERT INTO public.mender_counter VALUES (3, '', 'inventory_status', 'pending', 1, 3);
INSERT INTO public.mender_counter VALUES (5, '', 'device', 'pending', 4, -2);
INSERT INTO public.mender_counter VALUES (15, '', 'device', 'rejected', 4, 1);
INSERT INTO public.mender_counter VALUES (7, '', 'inventory_status', 'pending', 4, -2);
INSERT INTO public.mender_counter VALUES (17, '', 'inventory_status', 'rejected', 4, 1);
INSERT INTO public.mender_deployment VALUES (1, '', '2cb021a5-8ac7-46c9-a5c0-4f9968b0acb3', 'production', 'release-1', ' production release 1 ', 'inprogress', 1795591859184308, NULL, 2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0);
INSERT INTO public.mender_deployment VALUES (2, '', 'baa14c1e-0241-4214-90c4-1937b1d6b5e4', 'next try', 'release-1', ' next try release 1 ', 'pending', 1795591859413729, NULL, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.mender_deployment_log VALUES (1, '', 1, '[{"timestamp":"2026-11-25T05:33:12Z","level":"error","message":"no space left"}]');
INSERT INTO public.mender_device VALUES (1, '', 'cfc571c6-72b5-4b68-b1ef-85cc0f16be76', '7e7d08e5762d10587b382a2adc129e9ee3b2a31da865d1d03de52bf19834244d', '{"mac":"02:00:00:00:00:01","sn":"1"}', 'accepted', false, 2, 1795591857840094, 1795591858129253);
INSERT INTO public.mender_device VALUES (2, '', 'cab50c00-15de-4086-8155-67469e737044', '22c8977bb6949dd58ab135b82448144ed3d1d425a096f93a112cb7e8ca14e62e', '{"mac":"02:00:00:00:00:02"}', 'pending', false, 1, 1795591858632898, 1795591858632898);
INSERT INTO public.mender_device VALUES (3, '', 'b369e8d8-6b19-4c9e-8fa0-7dff608f33dd', 'bf55115519e433ab2a453bf5509c25fce42a288548d1c3be5d59bb87665f51a2', '{"mac":"02:00:00:00:00:03"}', 'rejected', false, 2, 1795591858757945, 1795591858981699);
INSERT INTO public.mender_device_deployment VALUES (2, '', 1, 'device-never-seen', 'pending', true, 1795591859184308, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.mender_device_deployment VALUES (1, '', 1, 'cfc571c6-72b5-4b68-b1ef-85cc0f16be76', 'failure', false, 1795591859184308, 1795591859241280, 1795591859337992, 1795591859337992, 1, 'board', 'failure', NULL);
INSERT INTO public.mender_device_deployment VALUES (3, '', 2, 'cfc571c6-72b5-4b68-b1ef-85cc0f16be76', 'pending', true, 1795591859413729, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.mender_device_token VALUES (1, '', 'cfdbeabf-62da-4795-b804-14652e005669', 1, 1795591858176595, 1796196658176595);
INSERT INTO public.mender_inventory VALUES (2, '', 'cab50c00-15de-4086-8155-67469e737044', '{"id":"cab50c00-15de-4086-8155-67469e737044","updated_ts":"2026-11-25T07:30:58.637469Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:02"},{"name":"status","scope":"identity","value":"pending"},{"name":"created_ts","scope":"system","value":"2026-11-25T07:30:58.637469Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:30:58.637469Z"}]}', 'pending', NULL, 1, 1795591858637469, 1795591858637469);
INSERT INTO public.mender_inventory VALUES (3, '', 'b369e8d8-6b19-4c9e-8fa0-7dff608f33dd', '{"id":"b369e8d8-6b19-4c9e-8fa0-7dff608f33dd","updated_ts":"2026-11-25T07:30:58.788426Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:03"},{"name":"status","scope":"identity","value":"rejected"},{"name":"created_ts","scope":"system","value":"2026-11-25T07:30:58.788426Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:30:58.788426Z"}]}', 'rejected', NULL, 2, 1795591858788426, 1795591858788426);
INSERT INTO public.mender_inventory VALUES (1, '', 'cfc571c6-72b5-4b68-b1ef-85cc0f16be76', '{"id":"cfc571c6-72b5-4b68-b1ef-85cc0f16be76","updated_ts":"2026-11-25T07:30:59.046359Z","attributes":[{"name":"mac","scope":"identity","value":"02:00:00:00:00:01"},{"name":"sn","scope":"identity","value":"1"},{"name":"status","scope":"identity","value":"accepted"},{"name":"artifact_name","scope":"inventory","value":"base"},{"name":"device_type","scope":"inventory","value":"board"},{"name":"load","scope":"inventory","value":0.5},{"name":"ports","scope":"inventory","value":["eth0","eth1"]},{"name":"created_ts","scope":"system","value":"2026-11-25T07:30:57.857970Z"},{"name":"updated_ts","scope":"system","value":"2026-11-25T07:30:59.046359Z"}]}', 'accepted', NULL, 2, 1795591857857970, 1795591859046359);
INSERT INTO public.mender_user VALUES (1, '', '0e0a7246-8bf1-47cd-96e4-404b7dd45374', 'ada@example.com', '$argon2id$v=19$m=65536,t=3,p=4$d3S6+5RoFpfuK8Z6adFF0Q$6b+lBRFiWtbAND1rkuL/0ID9SLJqmEdiUZM2LT4Fo/A', 1795591856185069, 1795591856185069);
INSERT INTO public.mender_user_token VALUES (1, '', '2bd62e3d-00ce-473c-92ae-b81e30bd20c6', 1, 1795591857306567, 1796196657306567);
INSERT INTO public.schema_migration VALUES (1, '0001_initial', '2026-11-25 07:30:49.648986');
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
