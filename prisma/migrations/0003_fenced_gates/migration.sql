-- What a gate in Redis is checked against, so that an old copy of Redis issues nothing.

ALTER TABLE coupons
  -- Rises each time the gate is opened. A gate in Redis with a lower one belongs to an old copy.
  ADD COLUMN gate_generation INT UNSIGNED NOT NULL DEFAULT 0,
  -- Rises with each change of the campaign: of two updates of a gate the later one holds, whichever arrives last.
  ADD COLUMN revision INT UNSIGNED NOT NULL DEFAULT 0,
  -- When its winners were removed from Redis. From then on MySQL alone answers.
  ADD COLUMN archived_at DATETIME(3) NULL,
  ADD KEY coupons_updated_at_idx (updated_at);

-- Stream entries that could not be written, each with the reason, until an operator replays or drops them.
CREATE TABLE dead_letters (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  partition_number SMALLINT UNSIGNED NOT NULL,
  entry_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- Null: not an entry of this service.
  coupon_id BIGINT UNSIGNED NULL,
  reason VARCHAR(32) CHARACTER SET ascii NOT NULL,
  detail TEXT NOT NULL,
  -- JSON: the rows that could not be written, and the fields of the entry as it was.
  dead_rows LONGTEXT NOT NULL,
  fields LONGTEXT NOT NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  -- A worker that dies between writing the letter and settling the entry writes it again.
  UNIQUE KEY dead_letters_entry_key (partition_number, entry_id),
  KEY dead_letters_coupon_id_idx (coupon_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- A worker may write what it has read only while its lease is here: see docs/adr/0017.
CREATE TABLE worker_leases (
  worker VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  token CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- Highest barrier for which this worker holds nothing that it had read before.
  passed BIGINT UNSIGNED NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  PRIMARY KEY (worker)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- One row: how often the workers were asked to finish what they hold.
CREATE TABLE recovery_barrier (
  id TINYINT UNSIGNED NOT NULL,
  number BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
INSERT INTO recovery_barrier (id, number) VALUES (1, 0) ON DUPLICATE KEY UPDATE id = id;
