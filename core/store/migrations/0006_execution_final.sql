ALTER TABLE "tocsin"."execution" ADD COLUMN "final_at" timestamp (3) with time zone;--> statement-breakpoint
UPDATE "tocsin"."execution" SET "final_at" = "confirmed_at" WHERE "confirmed_at" IS NOT NULL;
