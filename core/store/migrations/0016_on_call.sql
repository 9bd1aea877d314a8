CREATE TABLE "tocsin"."answer_button" (
	"id" text PRIMARY KEY NOT NULL,
	"act" text NOT NULL,
	"incident_id" text,
	"execution_id" text,
	"bytes_hash" text,
	"role" text,
	"channel" text NOT NULL,
	"dedup_key" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	"used_by" text
);
--> statement-breakpoint
CREATE TABLE "tocsin"."oncall_escalation" (
	"id" text PRIMARY KEY NOT NULL,
	"incident_id" text NOT NULL,
	"team" text NOT NULL,
	"severity" text NOT NULL,
	"status" text NOT NULL,
	"step" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL,
	"alert_id" text NOT NULL,
	"opened_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"ended_by" text
);
--> statement-breakpoint
CREATE TABLE "tocsin"."oncall_handover" (
	"team" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"gone" text,
	"comes" text,
	"report" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "oncall_handover_team_at_pk" PRIMARY KEY("team","at")
);
--> statement-breakpoint
CREATE TABLE "tocsin"."oncall_override" (
	"id" text PRIMARY KEY NOT NULL,
	"team" text NOT NULL,
	"level" text NOT NULL,
	"person" text NOT NULL,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	"reason" text DEFAULT '' NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"removed_at" timestamp (3) with time zone,
	"removed_by" text
);
--> statement-breakpoint
CREATE TABLE "tocsin"."oncall_page" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"escalation_id" text NOT NULL,
	"incident_id" text NOT NULL,
	"team" text NOT NULL,
	"step" integer NOT NULL,
	"level" text NOT NULL,
	"person" text,
	"severity" text NOT NULL,
	"messages" text[] DEFAULT '{}'::text[] NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"is_night" boolean DEFAULT false NOT NULL,
	"shift_since" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "tocsin"."ticket" (
	"id" text PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"team" text NOT NULL,
	"title" text NOT NULL,
	"summary" text NOT NULL,
	"severity" text NOT NULL,
	"thing" text,
	"owner" text,
	"runbook" text,
	"alerts" integer DEFAULT 1 NOT NULL,
	"last_alert_id" text NOT NULL,
	"opened_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp (3) with time zone,
	"closed_by" text,
	"issue" text,
	"issue_attempts" integer DEFAULT 0 NOT NULL,
	"issue_due_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"issue_error" text
);
--> statement-breakpoint
CREATE TABLE "tocsin"."ticket_alert" (
	"alert_id" text PRIMARY KEY NOT NULL,
	"ticket_id" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "answer_button_expires" ON "tocsin"."answer_button" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "oncall_escalation_live" ON "tocsin"."oncall_escalation" USING btree ("incident_id","team") WHERE status <> 'ended';--> statement-breakpoint
CREATE INDEX "oncall_escalation_due" ON "tocsin"."oncall_escalation" USING btree ("due_at") WHERE status <> 'ended';--> statement-breakpoint
CREATE INDEX "oncall_escalation_incident" ON "tocsin"."oncall_escalation" USING btree ("incident_id");--> statement-breakpoint
CREATE INDEX "oncall_override_ends" ON "tocsin"."oncall_override" USING btree ("team","ends_at");--> statement-breakpoint
CREATE INDEX "oncall_page_escalation" ON "tocsin"."oncall_page" USING btree ("escalation_id");--> statement-breakpoint
CREATE INDEX "oncall_page_incident" ON "tocsin"."oncall_page" USING btree ("incident_id");--> statement-breakpoint
CREATE INDEX "oncall_page_at" ON "tocsin"."oncall_page" USING btree ("at");--> statement-breakpoint
CREATE INDEX "oncall_page_shift" ON "tocsin"."oncall_page" USING btree ("person","shift_since");--> statement-breakpoint
CREATE UNIQUE INDEX "ticket_open_key" ON "tocsin"."ticket" USING btree ("key") WHERE status = 'open';--> statement-breakpoint
CREATE INDEX "ticket_opened" ON "tocsin"."ticket" USING btree ("opened_at");--> statement-breakpoint
CREATE INDEX "ticket_issue_due" ON "tocsin"."ticket" USING btree ("issue_due_at") WHERE issue is null and status = 'open';--> statement-breakpoint
CREATE INDEX "ticket_alert_ticket" ON "tocsin"."ticket_alert" USING btree ("ticket_id");