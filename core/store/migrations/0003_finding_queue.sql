CREATE FUNCTION tocsin.queue_finding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tocsin.finding_queue (finding_id) VALUES (NEW.id);
  PERFORM pg_notify('tocsin_finding', '');
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER finding_queue_insert AFTER INSERT ON tocsin.finding
  FOR EACH ROW EXECUTE FUNCTION tocsin.queue_finding();
--> statement-breakpoint
CREATE TRIGGER finding_queue_update AFTER UPDATE OF status ON tocsin.finding
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status AND (OLD.status = 'retracted' OR NEW.status = 'retracted'))
  EXECUTE FUNCTION tocsin.queue_finding();
--> statement-breakpoint
INSERT INTO tocsin.finding_queue (finding_id) SELECT id FROM tocsin.finding ORDER BY seq;
