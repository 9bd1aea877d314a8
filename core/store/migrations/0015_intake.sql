CREATE TABLE "tocsin"."intake_delivery" (
	"receiver" text NOT NULL,
	"key" text NOT NULL,
	"taken_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "intake_delivery_receiver_key_pk" PRIMARY KEY("receiver","key")
);
--> statement-breakpoint
CREATE INDEX "intake_delivery_expires" ON "tocsin"."intake_delivery" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "intake_delivery_taken" ON "tocsin"."intake_delivery" USING btree ("receiver","taken_at");