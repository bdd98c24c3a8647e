\set n random(1, :samples)
BEGIN;
SELECT set_config('app.current_org_id', s.organization_id::text, true), s.organization_id AS org, s.deal_id FROM bench.sample s WHERE s.n = :n \gset
SELECT * FROM deal.deals d WHERE d.id = :deal_id;
SELECT m.id, m.key, m.title, m.position, m.is_completed FROM deal.milestone_view m
 WHERE m.organization_id = :org AND m.deal_id = :deal_id ORDER BY m.position;
SELECT t.id, t.milestone_id, t.title, t.status, t.owner_role, t.assignee_id, t.due_date, t.depends_on FROM deal.task_view t
 WHERE t.organization_id = :org AND t.deal_id = :deal_id AND NOT t.is_deleted ORDER BY t.position;
SELECT p.id, p.role, p.name, p.email, p.phone, p.company, p.user_id FROM deal.parties p
 WHERE p.organization_id = :org AND p.deal_id = :deal_id AND p.removed_at IS NULL;
COMMIT;
