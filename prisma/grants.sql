-- What each account may do in MySQL: the one place. The migrate job runs it after the migrations (DATABASE_GRANTS=on), as an
-- account that may do everything with this database. Only adds: whoever takes a right away also writes a REVOKE here.
-- The accounts themselves are made before it runs: docker-compose.yml, stack/native/database-service.ts.

-- api: campaigns, and reading. It hands out nothing in MySQL, and deletes nothing.
GRANT SELECT, INSERT, UPDATE ON coupons TO 'coupon_api'@'%';
GRANT SELECT ON issued_coupons TO 'coupon_api'@'%';
GRANT SELECT ON dead_letters TO 'coupon_api'@'%';

-- worker: writes what was issued, and never deletes it. For `ON DUPLICATE KEY UPDATE` MySQL wants the right to change the
-- column that it names, MariaDB that of every column that is inserted.
GRANT SELECT, UPDATE ON coupons TO 'coupon_worker'@'%';
GRANT SELECT, INSERT, UPDATE (attempt /*M! , coupon_id, user_id, issue_rank, issued_at */) ON issued_coupons TO 'coupon_worker'@'%';
GRANT SELECT, INSERT, UPDATE (id /*M! , partition_number, entry_id, coupon_id, reason, detail, dead_rows, fields */) ON dead_letters TO 'coupon_worker'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON worker_leases TO 'coupon_worker'@'%';
GRANT SELECT, UPDATE ON recovery_barrier TO 'coupon_worker'@'%';

-- ops: looks at everything, opens gates, removes dead letters that were replayed or dropped.
GRANT SELECT, UPDATE ON coupons TO 'coupon_ops'@'%';
GRANT SELECT ON issued_coupons TO 'coupon_ops'@'%';
GRANT SELECT, DELETE ON dead_letters TO 'coupon_ops'@'%';
GRANT SELECT, DELETE ON worker_leases TO 'coupon_ops'@'%';
GRANT SELECT, UPDATE ON recovery_barrier TO 'coupon_ops'@'%';
