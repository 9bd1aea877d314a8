CREATE INDEX "outbox_incident" ON "tocsin"."outbox" USING btree ("incident_id");--> statement-breakpoint
-- What was open before counts as told: its end is told too.
UPDATE "tocsin"."alert" SET "told_at" = "opened_at" WHERE "told_at" IS NULL;--> statement-breakpoint
UPDATE "tocsin"."incident" SET "told_at" = "opened_at" WHERE "told_at" IS NULL;