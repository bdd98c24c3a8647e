-- Runs migrations/bootstrap with the passwords of the environment (the service bootstrap of compose.yaml).
\set ON_ERROR_STOP on
\getenv user_svc_password USER_SVC_PASSWORD
\getenv user_relay_password USER_RELAY_PASSWORD
\getenv user_migrate_password USER_MIGRATE_PASSWORD
\getenv deal_svc_password DEAL_SVC_PASSWORD
\getenv deal_relay_password DEAL_RELAY_PASSWORD
\getenv deal_migrate_password DEAL_MIGRATE_PASSWORD
\getenv task_svc_password TASK_SVC_PASSWORD
\getenv task_relay_password TASK_RELAY_PASSWORD
\getenv task_migrate_password TASK_MIGRATE_PASSWORD
\getenv audit_maint_password AUDIT_MAINT_PASSWORD
\getenv auditor_password AUDITOR_PASSWORD
\getenv audit_sealer_password AUDIT_SEALER_PASSWORD
\i /bootstrap/01_roles.sql
\i /bootstrap/02_schemas.sql
\i /bootstrap/03_ctx.sql
\i /bootstrap/04_audit.sql
\i /bootstrap/05_guard.sql
\i /bootstrap/06_service_tables.sql
\i /bootstrap/07_identity_functions.sql
\i /bootstrap/08_search.sql
