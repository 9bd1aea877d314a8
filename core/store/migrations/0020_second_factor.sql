CREATE TABLE "tocsin"."halt_answer" (
	"id" text PRIMARY KEY NOT NULL,
	"halt_id" text NOT NULL,
	"who" text NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"via" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"proof" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."console_recovery" (
	"user" text NOT NULL,
	"hash" text NOT NULL,
	"used_at" timestamp (3) with time zone,
	CONSTRAINT "console_recovery_user_hash_pk" PRIMARY KEY("user","hash")
);
--> statement-breakpoint
ALTER TABLE "tocsin"."console_user" ADD COLUMN "totp" text;--> statement-breakpoint
ALTER TABLE "tocsin"."console_user" ADD COLUMN "totp_step" bigint;--> statement-breakpoint
CREATE UNIQUE INDEX "halt_answer_person" ON "tocsin"."halt_answer" USING btree ("halt_id","who");