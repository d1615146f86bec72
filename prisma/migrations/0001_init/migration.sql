-- Campaigns and who holds their coupons. Runs on MySQL 8.4 and 9 and on MariaDB 10.11. All times are UTC.

CREATE TABLE coupons (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  name VARCHAR(120) NOT NULL,
  total INT UNSIGNED NOT NULL,
  opens_at DATETIME(3) NOT NULL,
  closes_at DATETIME(3) NULL,
  closed_at DATETIME(3) NULL,
  -- When its gate was about to be opened for the first time. A gate that is missing afterwards was lost.
  gate_opened_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  CONSTRAINT coupons_total_check CHECK (total BETWEEN 1 AND 2147483647),
  CONSTRAINT coupons_window_check CHECK (closes_at IS NULL OR closes_at > opens_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- The second line of defence: one coupon a user, one user a rank, whatever Redis said. Under a collation that ignores
-- case, 'a' and 'A' would be one user and one of their coupons would be lost.
CREATE TABLE issued_coupons (
  coupon_id BIGINT UNSIGNED NOT NULL,
  user_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  issue_rank INT UNSIGNED NOT NULL,
  issued_at DATETIME(3) NOT NULL,
  attempt VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (coupon_id, issue_rank),
  UNIQUE KEY issued_coupons_coupon_id_user_id_key (coupon_id, user_id),
  KEY issued_coupons_user_id_idx (user_id),
  CONSTRAINT issued_coupons_coupon_id_fkey FOREIGN KEY (coupon_id) REFERENCES coupons (id)
    ON DELETE RESTRICT ON UPDATE RESTRICT,
  CONSTRAINT issued_coupons_rank_check CHECK (issue_rank >= 1),
  CONSTRAINT issued_coupons_user_check CHECK (user_id <> '')
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
