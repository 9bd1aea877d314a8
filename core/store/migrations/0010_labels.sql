ALTER TABLE "tocsin"."label" DROP CONSTRAINT "label_chain_id_address_pk";--> statement-breakpoint
ALTER TABLE "tocsin"."label" ALTER COLUMN "source" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "tocsin"."label" ADD CONSTRAINT "label_address_chain_id_source_pk" PRIMARY KEY("address","chain_id","source");--> statement-breakpoint
ALTER TABLE "tocsin"."label" ADD COLUMN "origin" text;--> statement-breakpoint
ALTER TABLE "tocsin"."label" ADD COLUMN "imported_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "tocsin"."label" DROP COLUMN "own";