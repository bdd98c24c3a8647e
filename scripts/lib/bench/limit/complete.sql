\set i :i + 1
\set n :client_id + :i * :clients + 1
BEGIN;
SELECT set_config('app.current_org_id', s.organization_id::text, true), s.organization_id AS org, s.task_id, s.next_id, s.milestone_id, s.deal_id, s.user_id
  FROM bench.sample s WHERE s.n = :n \gset
SELECT * FROM task.tasks t WHERE t.id IN (:task_id, :next_id) ORDER BY t.id FOR UPDATE;
UPDATE task.tasks SET status = 'COMPLETED', completed_by = :user_id, completed_at = now(), completed_on = current_date, version = version + 1
 WHERE id = :task_id RETURNING *;
UPDATE task.tasks SET status = 'PENDING', open_dependencies = 0, version = version + 1 WHERE id = :next_id RETURNING *;
UPDATE task.milestones SET open_tasks = open_tasks - 1 WHERE id = :milestone_id RETURNING id, open_tasks;
INSERT INTO audit.audit_log (id, organization_id, deal_id, user_id, event_type, entity_type, entity_id, aggregate_version, event_data)
SELECT gen_random_uuid(), :org, :deal_id, :user_id, 'tasks.task.completed', 'task', t.id, t.version,
       jsonb_build_object('before', to_jsonb(t), 'after', to_jsonb(t)) FROM task.tasks t WHERE t.id IN (:task_id, :next_id);
INSERT INTO task.event_outbox (id, organization_id, aggregate_type, aggregate_id, aggregate_version, event_type, schema_version, event_data, actor_user_id, processed_at)
SELECT gen_random_uuid(), :org, 'task', t.id, t.version, 'tasks.task.completed', 1, to_jsonb(t), :user_id, now()
  FROM task.tasks t WHERE t.id IN (:task_id, :next_id);
COMMIT;
