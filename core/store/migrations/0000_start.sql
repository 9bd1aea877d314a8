CREATE SCHEMA "tocsin";
--> statement-breakpoint
CREATE TABLE "tocsin"."alert" (
	"id" text PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"kind" text NOT NULL,
	"status" text NOT NULL,
	"severity" text NOT NULL,
	"title" text NOT NULL,
	"summary" text NOT NULL,
	"bot_id" text NOT NULL,
	"alert_id" text NOT NULL,
	"chain_id" integer NOT NULL,
	"thing" text,
	"owner" text,
	"protocol" text,
	"runbook" text,
	"incident_id" text,
	"findings" integer DEFAULT 1 NOT NULL,
	"first_block" bigint NOT NULL,
	"last_block" bigint NOT NULL,
	"opened_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp (3) with time zone,
	"acknowledged_at" timestamp (3) with time zone,
	"acknowledged_by" text
);
--> statement-breakpoint
CREATE TABLE "tocsin"."alert_finding" (
	"alert_id" text NOT NULL,
	"finding_id" text NOT NULL,
	CONSTRAINT "alert_finding_alert_id_finding_id_pk" PRIMARY KEY("alert_id","finding_id")
);
--> statement-breakpoint
CREATE TABLE "tocsin"."bot_health" (
	"chain_id" integer NOT NULL,
	"bot_id" text NOT NULL,
	"status" text NOT NULL,
	"blocks_failed" bigint DEFAULT 0 NOT NULL,
	"last_error" text,
	"last_error_block" bigint,
	"findings" bigint DEFAULT 0 NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "bot_health_chain_id_bot_id_pk" PRIMARY KEY("chain_id","bot_id")
);
--> statement-breakpoint
CREATE TABLE "tocsin"."bot_sample" (
	"chain_id" integer NOT NULL,
	"bot_id" text NOT NULL,
	"key" text NOT NULL,
	"block_number" bigint NOT NULL,
	"ordinal" integer NOT NULL,
	"timestamp_s" bigint NOT NULL,
	"value" numeric NOT NULL,
	CONSTRAINT "bot_sample_chain_id_bot_id_key_block_number_ordinal_pk" PRIMARY KEY("chain_id","bot_id","key","block_number","ordinal")
);
--> statement-breakpoint
CREATE TABLE "tocsin"."bot_state" (
	"chain_id" integer NOT NULL,
	"bot_id" text NOT NULL,
	"key" text NOT NULL,
	"block_number" bigint NOT NULL,
	"value" jsonb,
	CONSTRAINT "bot_state_chain_id_bot_id_key_block_number_pk" PRIMARY KEY("chain_id","bot_id","key","block_number")
);
--> statement-breakpoint
CREATE TABLE "tocsin"."chain_block" (
	"chain_id" integer NOT NULL,
	"number" bigint NOT NULL,
	"hash" text NOT NULL,
	"parent_hash" text NOT NULL,
	"timestamp_s" bigint NOT NULL,
	"transactions" integer NOT NULL,
	"latency_ms" double precision,
	"committed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "chain_block_chain_id_number_pk" PRIMARY KEY("chain_id","number")
);
--> statement-breakpoint
CREATE TABLE "tocsin"."chain_cursor" (
	"chain_id" integer PRIMARY KEY NOT NULL,
	"chain_name" text NOT NULL,
	"number" bigint NOT NULL,
	"hash" text NOT NULL,
	"genesis_hash" text NOT NULL,
	"finalized" bigint,
	"head" bigint,
	"health" jsonb,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."config_change" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"process" text NOT NULL,
	"who" text NOT NULL,
	"file" text NOT NULL,
	"path" text NOT NULL,
	"old_value" jsonb,
	"new_value" jsonb
);
--> statement-breakpoint
CREATE TABLE "tocsin"."execution" (
	"id" text PRIMARY KEY NOT NULL,
	"idempotency_key" text NOT NULL,
	"action_id" text NOT NULL,
	"policy_hash" text,
	"mode" text,
	"chain_id" integer NOT NULL,
	"finding_id" text NOT NULL,
	"thing" text,
	"status" text NOT NULL,
	"reason" text,
	"target" text,
	"calldata" text,
	"signer_address" text,
	"nonce" bigint,
	"tx_hashes" text[] DEFAULT '{}'::text[] NOT NULL,
	"mined_tx_hash" text,
	"mined_block" bigint,
	"simulation" jsonb,
	"seen_at_ms" double precision,
	"requested_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"broadcast_at" timestamp (3) with time zone,
	"mined_at" timestamp (3) with time zone,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"approved_by" text
);
--> statement-breakpoint
CREATE TABLE "tocsin"."execution_log" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"execution_id" text NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"event" text NOT NULL,
	"detail" jsonb NOT NULL,
	"previous_hash" text NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."finding" (
	"id" text PRIMARY KEY NOT NULL,
	"seq" bigserial NOT NULL,
	"bot_id" text NOT NULL,
	"bot_version" text NOT NULL,
	"alert_id" text NOT NULL,
	"alert_kind" text NOT NULL,
	"condition" text,
	"chain_id" integer NOT NULL,
	"block_number" bigint NOT NULL,
	"block_hash" text NOT NULL,
	"block_timestamp_s" bigint NOT NULL,
	"tx_hash" text,
	"unique_key" text NOT NULL,
	"name" text NOT NULL,
	"description" text NOT NULL,
	"severity" text NOT NULL,
	"type" text NOT NULL,
	"thing" text,
	"owner" text,
	"protocol" text,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"addresses" text[] DEFAULT '{}'::text[] NOT NULL,
	"labels" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"status" text NOT NULL,
	"latency_ms" double precision,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"finalized_at" timestamp (3) with time zone,
	"retracted_at" timestamp (3) with time zone,
	"revision" bigserial NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."incident" (
	"id" text PRIMARY KEY NOT NULL,
	"subject" text NOT NULL,
	"status" text NOT NULL,
	"severity" text NOT NULL,
	"title" text NOT NULL,
	"owner" text,
	"opened_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "tocsin"."key_value" (
	"key" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."label" (
	"chain_id" integer NOT NULL,
	"address" text NOT NULL,
	"name" text NOT NULL,
	"tags" text[] DEFAULT '{}'::text[] NOT NULL,
	"source" text DEFAULT 'watchlist' NOT NULL,
	"own" boolean DEFAULT false NOT NULL,
	CONSTRAINT "label_chain_id_address_pk" PRIMARY KEY("chain_id","address")
);
--> statement-breakpoint
CREATE TABLE "tocsin"."outbox" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"dedup_key" text NOT NULL,
	"channel" text NOT NULL,
	"alert_id" text NOT NULL,
	"incident_id" text,
	"payload" jsonb NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_error" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "tocsin"."process_status" (
	"name" text PRIMARY KEY NOT NULL,
	"pid" integer NOT NULL,
	"status" text NOT NULL,
	"reason" text DEFAULT '' NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"config_hash" text,
	"restarts" integer DEFAULT 0 NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"heartbeat_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "alert_open_key" ON "tocsin"."alert" USING btree ("key") WHERE status in ('open', 'unknown');--> statement-breakpoint
CREATE INDEX "alert_incident" ON "tocsin"."alert" USING btree ("incident_id");--> statement-breakpoint
CREATE INDEX "alert_opened" ON "tocsin"."alert" USING btree ("opened_at");--> statement-breakpoint
CREATE INDEX "alert_finding_finding" ON "tocsin"."alert_finding" USING btree ("finding_id");--> statement-breakpoint
CREATE INDEX "bot_sample_block" ON "tocsin"."bot_sample" USING btree ("chain_id","block_number");--> statement-breakpoint
CREATE INDEX "bot_state_block" ON "tocsin"."bot_state" USING btree ("chain_id","block_number");--> statement-breakpoint
CREATE UNIQUE INDEX "execution_idempotency" ON "tocsin"."execution" USING btree ("idempotency_key");--> statement-breakpoint
CREATE INDEX "execution_status" ON "tocsin"."execution" USING btree ("status");--> statement-breakpoint
CREATE INDEX "execution_finding" ON "tocsin"."execution" USING btree ("finding_id");--> statement-breakpoint
CREATE UNIQUE INDEX "finding_seq" ON "tocsin"."finding" USING btree ("seq");--> statement-breakpoint
CREATE UNIQUE INDEX "finding_revision" ON "tocsin"."finding" USING btree ("revision");--> statement-breakpoint
CREATE INDEX "finding_block" ON "tocsin"."finding" USING btree ("chain_id","block_number");--> statement-breakpoint
CREATE INDEX "finding_tx" ON "tocsin"."finding" USING btree ("tx_hash");--> statement-breakpoint
CREATE INDEX "finding_bot" ON "tocsin"."finding" USING btree ("bot_id","alert_id");--> statement-breakpoint
CREATE INDEX "finding_open" ON "tocsin"."finding" USING btree ("chain_id","block_number") WHERE status = 'provisional';--> statement-breakpoint
CREATE UNIQUE INDEX "incident_open_subject" ON "tocsin"."incident" USING btree ("subject") WHERE status = 'open';--> statement-breakpoint
CREATE UNIQUE INDEX "outbox_dedup" ON "tocsin"."outbox" USING btree ("dedup_key");--> statement-breakpoint
CREATE INDEX "outbox_due" ON "tocsin"."outbox" USING btree ("channel","seq") WHERE status = 'pending';