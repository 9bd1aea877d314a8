CREATE TABLE "tocsin"."bot_quarantine" (
	"chain_id" integer NOT NULL,
	"bot_id" text NOT NULL,
	"fingerprint" text NOT NULL,
	"reason" text NOT NULL,
	"since" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "bot_quarantine_chain_id_bot_id_pk" PRIMARY KEY("chain_id","bot_id")
);
--> statement-breakpoint
CREATE TABLE "tocsin"."bot_strike" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"chain_id" integer NOT NULL,
	"bot_id" text NOT NULL,
	"fingerprint" text NOT NULL,
	"block_number" bigint NOT NULL,
	"block_hash" text NOT NULL,
	"kind" text NOT NULL,
	"certain" boolean NOT NULL,
	"detail" text NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "bot_strike_bot" ON "tocsin"."bot_strike" USING btree ("chain_id","bot_id","at");