CREATE TABLE "tocsin"."execution_approval" (
	"id" text PRIMARY KEY NOT NULL,
	"execution_id" text NOT NULL,
	"who" text NOT NULL,
	"role" text NOT NULL,
	"decision" text NOT NULL,
	"bytes_hash" text NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"via" text NOT NULL,
	"nonce" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"proof" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."kill_switch" (
	"id" text PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"who" text NOT NULL,
	"via" text NOT NULL,
	"reason" text NOT NULL,
	"lifted_at" timestamp (3) with time zone,
	"lifted_by" text
);
--> statement-breakpoint
CREATE UNIQUE INDEX "execution_approval_nonce" ON "tocsin"."execution_approval" USING btree ("nonce");--> statement-breakpoint
CREATE UNIQUE INDEX "execution_approval_person" ON "tocsin"."execution_approval" USING btree ("execution_id","who","decision");--> statement-breakpoint
CREATE INDEX "kill_switch_on" ON "tocsin"."kill_switch" USING btree ("at") WHERE lifted_at is null;