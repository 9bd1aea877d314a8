CREATE TABLE "tocsin"."channel_slot" (
	"channel" text PRIMARY KEY NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tocsin"."channel_thread" (
	"channel" text NOT NULL,
	"lane" text NOT NULL,
	"reference" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "channel_thread_channel_lane_pk" PRIMARY KEY("channel","lane")
);
