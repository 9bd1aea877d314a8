CREATE TABLE "tocsin"."api_token" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"scopes" text[] DEFAULT '{}'::text[] NOT NULL,
	"per_minute" integer NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"last_used_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "tocsin"."console_attempt" (
	"key" text PRIMARY KEY NOT NULL,
	"failures" integer NOT NULL,
	"last_at" timestamp (3) with time zone NOT NULL,
	"blocked_until" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."console_audit" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"who" text NOT NULL,
	"via" text NOT NULL,
	"act" text NOT NULL,
	"subject" text DEFAULT '' NOT NULL,
	"origin" text NOT NULL,
	"result" text NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."console_session" (
	"id_hash" text PRIMARY KEY NOT NULL,
	"user" text NOT NULL,
	"role" text NOT NULL,
	"approver" text,
	"via" text NOT NULL,
	"csrf" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"seen_at" timestamp (3) with time zone NOT NULL,
	"verified_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"address" text NOT NULL,
	"agent" text NOT NULL,
	"proof" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."console_user" (
	"name" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"approver" text,
	"password_hash" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"disabled_at" timestamp (3) with time zone,
	"proof" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "console_audit_at" ON "tocsin"."console_audit" USING btree ("at");--> statement-breakpoint
CREATE INDEX "console_audit_who" ON "tocsin"."console_audit" USING btree ("who","seq");--> statement-breakpoint
CREATE INDEX "console_session_user" ON "tocsin"."console_session" USING btree ("user");--> statement-breakpoint
CREATE FUNCTION tocsin.keep_console_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'console_audit is append-only';
END
$$;
--> statement-breakpoint
CREATE TRIGGER console_audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON tocsin.console_audit
  FOR EACH STATEMENT EXECUTE FUNCTION tocsin.keep_console_audit();
