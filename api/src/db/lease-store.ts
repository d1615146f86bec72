import { randomUUID } from 'node:crypto';
import type { Lease } from '../coupon/types.js';
import type { LeaseStore } from '../coupon/ports.js';
import type { PrismaClient } from './prisma-client.js';

/** Outlasts many failed renewals, and is short enough for a gate that waits for a dead worker. */
const LEASE_MS = 10_000;

/** Times are MySQL's own, so that workers and openers need not agree about the time. */
export class PrismaLeaseStore implements LeaseStore {
  constructor(
    private readonly prisma: PrismaClient,
    /** How long a lease lasts without being renewed, in ms. */
    private readonly leaseMs = LEASE_MS,
  ) {}

  async acquire(worker: string): Promise<Lease> {
    const token = randomUUID();
    // A new holder has read nothing yet: it has passed every barrier there is.
    await this.prisma.$executeRaw`
      INSERT INTO worker_leases (worker, token, passed, expires_at)
      SELECT ${worker}, ${token}, barrier.number, CURRENT_TIMESTAMP(3) + INTERVAL ${this.leaseMs * 1_000} MICROSECOND
      FROM recovery_barrier AS barrier WHERE barrier.id = 1
      ON DUPLICATE KEY UPDATE token = VALUES(token), passed = VALUES(passed), expires_at = VALUES(expires_at)`;
    return { worker, token };
  }

  async renew({ worker, token }: Lease, passed: number): Promise<number | null> {
    // A row that is found counts: renewed twice within a millisecond it is not changed, but it is there.
    await this.prisma.$executeRaw`
      UPDATE worker_leases
      SET passed = GREATEST(passed, ${passed}),
        expires_at = CURRENT_TIMESTAMP(3) + INTERVAL ${this.leaseMs * 1_000} MICROSECOND
      WHERE worker = ${worker} AND token = ${token}`;
    const [row] = await this.prisma.$queryRaw<{ number: bigint | number }[]>`
      SELECT barrier.number AS number FROM recovery_barrier AS barrier, worker_leases AS lease
      WHERE barrier.id = 1 AND lease.worker = ${worker} AND lease.token = ${token}`;
    return row ? Number(row.number) : null;
  }

  async release({ worker, token }: Lease): Promise<void> {
    await this.prisma.workerLease.deleteMany({ where: { worker, token } });
  }

  async raiseBarrier(): Promise<number> {
    return this.prisma.$transaction(async (tx) => {
      await tx.recoveryBarrier.update({ where: { id: 1 }, data: { number: { increment: 1 } } });
      return Number((await tx.recoveryBarrier.findUniqueOrThrow({ where: { id: 1 } })).number);
    });
  }

  async countBehind(barrier: number): Promise<{ live: number; expired: number }> {
    const [row] = await this.prisma.$queryRaw<{ behind: bigint | number; expired: bigint | number }[]>`
      SELECT COUNT(*) AS behind, COUNT(CASE WHEN expires_at < CURRENT_TIMESTAMP(3) THEN 1 END) AS expired
      FROM worker_leases WHERE passed < ${barrier}`;
    const expired = Number(row!.expired);
    return { live: Number(row!.behind) - expired, expired };
  }

  async revokeExpired(barrier: number): Promise<void> {
    await this.prisma.$executeRaw`
      DELETE FROM worker_leases WHERE passed < ${barrier} AND expires_at < CURRENT_TIMESTAMP(3)`;
  }
}
