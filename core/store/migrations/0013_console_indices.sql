DROP INDEX "tocsin"."alert_opened";--> statement-breakpoint
CREATE INDEX "alert_grave" ON "tocsin"."alert" USING btree ("severity","updated_at" DESC NULLS FIRST) WHERE status in ('open', 'unknown');--> statement-breakpoint
CREATE INDEX "execution_requested" ON "tocsin"."execution" USING btree ("requested_at","id");--> statement-breakpoint
CREATE INDEX "execution_log_execution" ON "tocsin"."execution_log" USING btree ("execution_id","seq");--> statement-breakpoint
CREATE INDEX "finding_bot_seq" ON "tocsin"."finding" USING btree ("bot_id","seq");--> statement-breakpoint
CREATE INDEX "finding_severity_seq" ON "tocsin"."finding" USING btree ("severity","seq");--> statement-breakpoint
CREATE INDEX "finding_chain_seq" ON "tocsin"."finding" USING btree ("chain_id","seq");--> statement-breakpoint
CREATE INDEX "finding_status_seq" ON "tocsin"."finding" USING btree ("status","seq");--> statement-breakpoint
CREATE INDEX "finding_created" ON "tocsin"."finding" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "finding_addresses" ON "tocsin"."finding" USING gin ("addresses");--> statement-breakpoint
CREATE INDEX "alert_opened" ON "tocsin"."alert" USING btree ("opened_at","id");