CREATE TABLE "tocsin"."execution_relay" (
	"execution_id" text NOT NULL,
	"step" integer NOT NULL,
	"sender" text NOT NULL,
	"status" text NOT NULL,
	"posts" integer DEFAULT 0 NOT NULL,
	"external_id" text,
	"hashes" text[] DEFAULT '{}'::text[] NOT NULL,
	"reason" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "execution_relay_execution_id_step_pk" PRIMARY KEY("execution_id","step")
);
--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "sender_step" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "sender_step_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "warrant" jsonb;--> statement-breakpoint
CREATE INDEX "execution_relay_external" ON "tocsin"."execution_relay" USING btree ("sender","external_id");