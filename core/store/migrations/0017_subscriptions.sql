CREATE TABLE "tocsin"."finding_event" (
	"key" bigserial PRIMARY KEY NOT NULL,
	"seq" bigint,
	"finding_id" text NOT NULL,
	"type" text NOT NULL,
	"status" text NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."subscription" (
	"name" text PRIMARY KEY NOT NULL,
	"cursor" bigint NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"reason" text,
	"failures" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."subscription_delivery" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"subscription" text NOT NULL,
	"event_seq" bigint NOT NULL,
	"event_id" text NOT NULL,
	"event_type" text NOT NULL,
	"finding_id" text NOT NULL,
	"replay" integer DEFAULT 0 NOT NULL,
	"status" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"http_status" integer,
	"took_ms" double precision,
	"last_error" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_attempt_at" timestamp (3) with time zone,
	"delivered_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "tocsin"."subscription_replay" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"subscription" text NOT NULL,
	"from_at" timestamp (3) with time zone NOT NULL,
	"to_at" timestamp (3) with time zone NOT NULL,
	"cursor" bigint DEFAULT 0 NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"sent" integer DEFAULT 0 NOT NULL,
	"requested_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"done_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "tocsin"."vigil_canary" (
	"id" text PRIMARY KEY NOT NULL,
	"channel" text NOT NULL,
	"status" text NOT NULL,
	"sent_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"folded_at" timestamp (3) with time zone,
	"delivered_at" timestamp (3) with time zone,
	"late_at" timestamp (3) with time zone,
	"took_ms" double precision
);
--> statement-breakpoint
CREATE UNIQUE INDEX "finding_event_seq" ON "tocsin"."finding_event" USING btree ("seq");--> statement-breakpoint
CREATE INDEX "finding_event_fresh" ON "tocsin"."finding_event" USING btree ("key") WHERE seq is null;--> statement-breakpoint
CREATE INDEX "finding_event_at" ON "tocsin"."finding_event" USING btree ("at");--> statement-breakpoint
CREATE INDEX "finding_event_finding" ON "tocsin"."finding_event" USING btree ("finding_id");--> statement-breakpoint
CREATE UNIQUE INDEX "subscription_delivery_event" ON "tocsin"."subscription_delivery" USING btree ("subscription","replay","event_seq");--> statement-breakpoint
CREATE INDEX "subscription_delivery_at" ON "tocsin"."subscription_delivery" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "subscription_delivery_dead" ON "tocsin"."subscription_delivery" USING btree ("created_at") WHERE status = 'dead';--> statement-breakpoint
CREATE INDEX "subscription_replay_open" ON "tocsin"."subscription_replay" USING btree ("subscription","id") WHERE status = 'open';--> statement-breakpoint
CREATE INDEX "vigil_canary_sent" ON "tocsin"."vigil_canary" USING btree ("sent_at");--> statement-breakpoint
CREATE FUNCTION tocsin.tell_finding() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  what text;
BEGIN
  IF NEW.bot_id = 'tocsin' AND NEW.alert_id = 'CANARY' THEN
    RETURN NULL;
  END IF;
  what := CASE
    WHEN TG_OP = 'INSERT' THEN 'detected'
    WHEN NEW.status = 'final' THEN 'finalized'
    WHEN NEW.status IN ('retracted', 'landed', 'dropped') THEN NEW.status
    ELSE 'restored'
  END;
  INSERT INTO tocsin.finding_event (finding_id, type, status) VALUES (NEW.id, what, NEW.status);
  PERFORM pg_notify('tocsin_finding', '');
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER finding_event_insert AFTER INSERT ON tocsin.finding
  FOR EACH ROW EXECUTE FUNCTION tocsin.tell_finding();
--> statement-breakpoint
CREATE TRIGGER finding_event_update AFTER UPDATE OF status ON tocsin.finding
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION tocsin.tell_finding();
