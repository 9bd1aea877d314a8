CREATE TABLE "tocsin"."block_tally" (
	"chain_id" integer NOT NULL,
	"block_number" bigint NOT NULL,
	"address" text NOT NULL,
	"block_hash" text NOT NULL,
	"logs" integer NOT NULL,
	"digest" text NOT NULL,
	"places" text NOT NULL,
	CONSTRAINT "block_tally_chain_id_block_number_address_pk" PRIMARY KEY("chain_id","block_number","address")
);
--> statement-breakpoint
CREATE TABLE "tocsin"."cross_check" (
	"chain_id" integer PRIMARY KEY NOT NULL,
	"chain_name" text NOT NULL,
	"from_block" bigint,
	"checked" bigint,
	"skipped" bigint DEFAULT 0 NOT NULL,
	"differences" bigint DEFAULT 0 NOT NULL,
	"last_difference" bigint,
	"compared" integer DEFAULT 0 NOT NULL,
	"known" integer DEFAULT 0 NOT NULL,
	"goal" bigint,
	"goal_since" timestamp (3) with time zone,
	"reason" text DEFAULT '' NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."tally_cover" (
	"chain_id" integer NOT NULL,
	"address" text NOT NULL,
	"from_block" bigint NOT NULL,
	CONSTRAINT "tally_cover_chain_id_address_pk" PRIMARY KEY("chain_id","address")
);
--> statement-breakpoint
ALTER TABLE "tocsin"."chain_cursor" ADD COLUMN "tallied" text;
--> statement-breakpoint
-- Hashes do not compress: trying to costs more than the rest of the insert.
ALTER TABLE "tocsin"."block_tally" ALTER COLUMN "places" SET STORAGE EXTERNAL;
