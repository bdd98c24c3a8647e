\set n random(1, :samples)
BEGIN;
SELECT set_config('app.current_org_id', s.organization_id::text, true), s.task_id FROM bench.sample s WHERE s.n = :n \gset
SELECT * FROM task.tasks t WHERE t.id = :task_id;
SELECT true, t.id, t.title, t.status FROM task.dependencies d JOIN task.tasks t ON t.id = d.depends_on_id WHERE d.task_id = :task_id
UNION ALL
SELECT false, t.id, t.title, t.status FROM task.dependencies d JOIN task.tasks t ON t.id = d.task_id
 WHERE d.organization_id = current_setting('app.current_org_id')::uuid AND d.depends_on_id = :task_id;
COMMIT;
