import { describe, expect, it } from '@jest/globals';
import { createOpenApiDocument } from '../../src/http/openapi.js';
import { PROBLEMS } from '../../src/http/problem.js';

type Json = Record<string, unknown>;
const document = JSON.parse(JSON.stringify(createOpenApiDocument())) as Json;

/** Every value under `name`, wherever it is. */
function allUnder(name: string, node: unknown = document): unknown[] {
  if (node === null || typeof node !== 'object') return [];
  return Object.entries(node).flatMap(([key, value]) => [
    ...(key === name ? [value] : []),
    ...allUnder(name, value),
  ]);
}

const operations = Object.entries(document['paths'] as Record<string, Record<string, Json>>).flatMap(
  ([path, calls]) => Object.entries(calls).map(([method, operation]) => ({ path, method, operation })),
);

describe('the OpenAPI document', () => {
  it('says that it is 3.1 and has a title and a version', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'coupon-rush', version: '1' } });
  });

  it('has no reference that leads nowhere', () => {
    const refs = allUnder('$ref') as string[];
    expect(refs.length).toBeGreaterThan(10);
    for (const ref of refs) {
      const target = ref
        .slice(2)
        .split('/')
        .reduce<unknown>((node, key) => (node as Json | undefined)?.[key], document);
      expect([ref, typeof target]).toEqual([ref, 'object']);
    }
  });

  it('declares every parameter of a path, as required', () => {
    for (const { path, operation } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = ((operation['parameters'] ?? []) as Json[]).filter(
        (parameter) => parameter['in'] === 'path',
      );
      expect(declared.map(({ name }) => name)).toEqual(named);
      expect(
        declared.every(({ required, schema }) => required === true && (schema as Json)['type'] === 'integer'),
      ).toBe(true);
    }
  });

  it('protects the admin calls and no other', () => {
    for (const { path, operation } of operations) {
      expect([path, operation['security']]).toEqual([
        path,
        path.startsWith('/api/v1/admin') ? [{ adminToken: [] }] : undefined,
      ]);
    }
  });

  it('answers every error with a problem', () => {
    for (const { operation } of operations) {
      for (const [status, response] of Object.entries(operation['responses'] as Record<string, Json>)) {
        const types = Object.keys((response['content'] ?? {}) as Json);
        expect([status, types]).toEqual([
          status,
          [Number(status) < 400 ? 'application/json' : 'application/problem+json'],
        ]);
      }
    }
  });

  it('names every problem that a client can meet', () => {
    const text = JSON.stringify(document);
    const unmentioned = Object.keys(PROBLEMS).filter((code) => !text.includes(`\`${code}\``));
    // Of the transport and of faults, not of one call.
    expect(unmentioned).toEqual(['not-found', 'request-timeout', 'internal']);
  });
});
