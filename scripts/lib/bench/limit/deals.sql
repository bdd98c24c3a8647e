\set n random(1, :samples)
BEGIN;
SELECT set_config('app.current_org_id', s.organization_id::text, true) FROM bench.sample s WHERE s.n = :n;
SELECT d.id, d.name, d.street, d.unit, d.city, d.state_or_province, d.postal_code, d.country, d.deal_type, d.status,
       d.purchase_price, d.currency, d.template_key, d.facts, d.time_zone, d.created_by, d.closing_date, d.version
  FROM deal.deals d
 WHERE d.organization_id = current_setting('app.current_org_id')::uuid AND d.status <> 'DELETED'
 ORDER BY d.id DESC LIMIT 25;
COMMIT;
