import { describe, expect, it } from '@jest/globals';
import { deviations, expectedAnswers, plan } from '../../scenarios.js';

const FILES = 20_000;
const NONE = { '200': 0, '409': 0, '410': 0, other: 0, timeouts: 0, connectionErrors: 0 };

describe('the plan of a scenario', () => {
  it('of saturation asks for a time, with more coupons than are issued in it', () => {
    expect(plan('saturate', { vus: 256, durationS: 5 }, FILES)).toMatchObject({
      ...{ connections: 256, requests: null, env: { VUS: '256', DURATION: '5' } },
    });
    expect(() => plan('saturate', { vus: 30_000 }, FILES)).toThrow(/30000 connections/);
  });

  it('of a peak is 10,000 users for 10,000 coupons, a virtual user each', () => {
    expect(plan('peak', {}, FILES)).toMatchObject({ users: 10_000, stock: 10_000, connections: 10_000 });
  });

  it('of sold-out lets virtual users stand for several users where the open files do not suffice', () => {
    const planned = plan('sold-out', {}, FILES);
    expect(planned).toMatchObject({ users: 20_000, stock: 10_000, connections: 10_000, requests: 20_000 });
    expect(planned.env).toMatchObject({ USERS: '20000', VUS: '10000', EXPECT_SOLD_OUT: '10000' });
    expect(plan('sold-out', {}, 50_000).connections).toBe(20_000);
  });

  it('of duplicates counts a connection for every simultaneous try', () => {
    expect(plan('duplicates', {}, FILES)).toMatchObject({ connections: 15_000, requests: 15_000 });
  });

  it('says so when the users do not fit into the open files', () => {
    expect(() => plan('peak', { users: 19_500 }, FILES)).toThrow(/19500 connections .* 20000 files/);
  });

  it('deals users out to generators, each within the files of its own process', () => {
    expect(plan('peak', { users: 30_000 }, FILES, 3).connections).toBe(30_000);
    expect(() => plan('peak', { users: 30_000 }, FILES)).toThrow(/this process/);
    expect(() => plan('peak', { users: 60_000 }, FILES, 3)).toThrow(/20000 connections .* each generator/);
  });

  it('of an open model has stock for everyone who may arrive', () => {
    const planned = plan('arrival', { rate: 100, durationS: 10 }, FILES);
    expect(planned).toMatchObject({ users: 1_000, rate: 100, requests: null });
    expect(planned.stock).toBeGreaterThanOrEqual(1_000);
  });
});

describe('what a fresh campaign should answer', () => {
  it('gives one 200 and two 409 to each of three tries', () => {
    expect(expectedAnswers({ users: 5_000, stock: 5_000, tries: 3 })).toEqual({
      '200': 5_000,
      '409': 10_000,
      '410': 0,
    });
  });

  it('gives 410 to every try of a user who came too late', () => {
    expect(expectedAnswers({ users: 10, stock: 4, tries: 3 })).toEqual({ '200': 4, '409': 8, '410': 18 });
  });

  it('is reported in words when it is not what came', () => {
    const planned = plan('peak', { users: 10, stock: 10 }, FILES);
    expect(deviations(planned, { ...NONE, '200': 10 }, 10)).toEqual([]);
    expect(deviations(planned, { ...NONE, '200': 9, timeouts: 1 }, 10)).toEqual([
      '9 answers of kind 200, expected 10',
      '1 answers of kind timeouts, expected 0',
    ]);
  });

  it('of an open model holds for as many as arrived', () => {
    const planned = plan('arrival', { rate: 10, durationS: 1, stock: 8 }, FILES);
    expect(deviations(planned, { ...NONE, '200': 8, '410': 3 }, 11)).toEqual([]);
  });
});
