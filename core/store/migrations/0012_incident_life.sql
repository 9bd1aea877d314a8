CREATE TABLE "tocsin"."held_notice" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"alert_id" text NOT NULL,
	"incident_id" text NOT NULL,
	"reason" text NOT NULL,
	"held_by" text DEFAULT '' NOT NULL,
	"change" text NOT NULL,
	"severity" text NOT NULL,
	"channels" text[] DEFAULT '{}'::text[] NOT NULL,
	"held_at" timestamp (3) with time zone NOT NULL,
	"due_at" timestamp (3) with time zone,
	"released_at" timestamp (3) with time zone,
	"outcome" text
);
--> statement-breakpoint
CREATE TABLE "tocsin"."incident_event" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"incident_id" text NOT NULL,
	"alert_id" text,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"kind" text NOT NULL,
	"actor" text,
	"channel" text,
	"text" text NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."incident_key" (
	"key" text NOT NULL,
	"incident_id" text NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "incident_key_key_incident_id_pk" PRIMARY KEY("key","incident_id")
);
--> statement-breakpoint
CREATE TABLE "tocsin"."silence" (
	"id" text PRIMARY KEY NOT NULL,
	"matchers" jsonb NOT NULL,
	"reason" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"approved_by" text,
	"approved_at" timestamp (3) with time zone,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"ended_by" text,
	"released_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "tocsin"."alert" ADD COLUMN "told_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."alert" ADD COLUMN "transitions" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."alert" ADD COLUMN "flapping_since" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "acknowledged_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "acknowledged_by" text;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "first_acknowledged_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "attended_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "mitigated_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "mitigated_by" text;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "closed_by" text;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "acknowledge_due_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "mitigate_due_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "escalated_to" text;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "inhibited_by" text;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "told_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "repeats" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."incident" ADD COLUMN "reopened_count" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "held_notice_waiting" ON "tocsin"."held_notice" USING btree ("alert_id") WHERE released_at is null;--> statement-breakpoint
CREATE INDEX "held_notice_due" ON "tocsin"."held_notice" USING btree ("due_at") WHERE released_at is null;--> statement-breakpoint
CREATE INDEX "held_notice_incident" ON "tocsin"."held_notice" USING btree ("incident_id");--> statement-breakpoint
CREATE INDEX "incident_event_incident" ON "tocsin"."incident_event" USING btree ("incident_id","seq");--> statement-breakpoint
CREATE INDEX "incident_event_at" ON "tocsin"."incident_event" USING btree ("at");--> statement-breakpoint
CREATE INDEX "incident_key_incident" ON "tocsin"."incident_key" USING btree ("incident_id");--> statement-breakpoint
CREATE INDEX "silence_ends" ON "tocsin"."silence" USING btree ("ends_at");--> statement-breakpoint
CREATE INDEX "silence_unreleased" ON "tocsin"."silence" USING btree ("ends_at") WHERE released_at is null;--> statement-breakpoint
CREATE INDEX "incident_open" ON "tocsin"."incident" USING btree ("opened_at") WHERE status = 'open';