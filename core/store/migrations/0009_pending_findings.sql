CREATE INDEX "finding_pending" ON "tocsin"."finding" USING btree ("chain_id") WHERE status = 'pending';--> statement-breakpoint
DROP TRIGGER finding_queue_update ON tocsin.finding;
--> statement-breakpoint
CREATE TRIGGER finding_queue_update AFTER UPDATE OF status ON tocsin.finding
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status
    AND (OLD.status IN ('retracted', 'landed', 'dropped') OR NEW.status IN ('retracted', 'landed', 'dropped')))
  EXECUTE FUNCTION tocsin.queue_finding();
