CREATE TABLE "tocsin"."finding_queue" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"finding_id" text NOT NULL
);
--> statement-breakpoint
DROP INDEX "tocsin"."incident_open_subject";--> statement-breakpoint
DROP INDEX "tocsin"."outbox_due";--> statement-breakpoint
ALTER TABLE "tocsin"."alert" ADD COLUMN "last_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."alert" ADD COLUMN "condition" text DEFAULT 'holds' NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."alert" ADD COLUMN "last_finding_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."alert" ADD COLUMN "channels" text[] DEFAULT '{}'::text[] NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."alert" ADD COLUMN "changes" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."alert" ADD COLUMN "closed_by" text;--> statement-breakpoint
ALTER TABLE "tocsin"."alert_finding" ADD COLUMN "severity" text DEFAULT 'SEV4' NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."alert_finding" ADD COLUMN "retracted" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."outbox" ADD COLUMN "lane" text NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."outbox" ADD COLUMN "severity" text NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."outbox" ADD COLUMN "refusals" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."outbox" ADD COLUMN "leased_by" integer;--> statement-breakpoint
CREATE INDEX "alert_key" ON "tocsin"."alert" USING btree ("key","opened_at");--> statement-breakpoint
CREATE INDEX "alert_live" ON "tocsin"."alert" USING btree ("kind","last_finding_at") WHERE status in ('open', 'unknown');--> statement-breakpoint
CREATE INDEX "incident_subject" ON "tocsin"."incident" USING btree ("subject","updated_at");--> statement-breakpoint
CREATE INDEX "incident_opened" ON "tocsin"."incident" USING btree ("opened_at");--> statement-breakpoint
CREATE INDEX "outbox_lane" ON "tocsin"."outbox" USING btree ("channel","lane","seq") WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX "outbox_leased" ON "tocsin"."outbox" USING btree ("leased_by") WHERE leased_by is not null;--> statement-breakpoint
CREATE INDEX "outbox_dead" ON "tocsin"."outbox" USING btree ("created_at") WHERE status = 'dead';--> statement-breakpoint
CREATE INDEX "outbox_alert" ON "tocsin"."outbox" USING btree ("alert_id");--> statement-breakpoint
CREATE INDEX "outbox_due" ON "tocsin"."outbox" USING btree ("channel","severity","seq") WHERE status = 'pending';