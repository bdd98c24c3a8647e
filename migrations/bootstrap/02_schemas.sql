-- One schema for each context, one for the audit log, one for what all of them share (ctx).
\set ON_ERROR_STOP on
CREATE SCHEMA IF NOT EXISTS ctx AUTHORIZATION ctx_owner;
CREATE SCHEMA IF NOT EXISTS identity AUTHORIZATION user_owner;
CREATE SCHEMA IF NOT EXISTS deal AUTHORIZATION deal_owner;
CREATE SCHEMA IF NOT EXISTS task AUTHORIZATION task_owner;

GRANT USAGE ON SCHEMA identity TO user_svc, user_relay, ctx_owner;
GRANT USAGE ON SCHEMA deal TO deal_svc, deal_relay, ctx_owner;
GRANT USAGE ON SCHEMA task TO task_svc, task_relay, ctx_owner;
GRANT USAGE ON SCHEMA ctx TO user_svc, deal_svc, task_svc, user_relay, deal_relay, task_relay,
  user_owner, deal_owner, task_owner, audit_owner, auditor, audit_maint;
