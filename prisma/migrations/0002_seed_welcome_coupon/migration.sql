-- A fresh stack has coupon 1, open, so that a script posting to /api/v1/coupons/call/1 works unchanged.
INSERT INTO coupons (id, name, total, opens_at)
VALUES (1, 'Welcome coupon', 10000, '2020-01-01 00:00:00.000')
ON DUPLICATE KEY UPDATE id = id;
