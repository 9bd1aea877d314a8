ALTER TABLE "tocsin"."execution" ADD COLUMN "approved_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "proposed_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "epoch" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "triggered_at_s" bigint;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "reason_code" text;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "attempts" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "sending_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "fee_wei" numeric;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "mined_block_hash" text;--> statement-breakpoint
ALTER TABLE "tocsin"."execution" ADD COLUMN "confirmed_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "execution_action" ON "tocsin"."execution" USING btree ("action_id","epoch");