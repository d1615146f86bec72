import { describe, expect, test } from '@jest/globals';
import { splitStatements } from '../../src/db/migrations.js';

describe('splitStatements', () => {
  test('cuts at semicolons and leaves comments out', () => {
    const sql = '-- first; not two\nSELECT 1; # more;\n/* a; b */ SELECT 2\n;;\n  ';
    expect(splitStatements(sql)).toEqual(['SELECT 1', 'SELECT 2']);
  });

  test('does not cut inside quotes', () => {
    const statements = [
      `INSERT INTO a VALUES ('x;''y\\';z', "p;""q", '-- no')`,
      'SELECT `a;b`',
      'SELECT 5--1',
    ];
    expect(splitStatements(statements.join(';\n'))).toEqual(statements);
  });

  test('keeps comments the server reads', () => {
    expect(splitStatements('/*!80000 SET a = 1; */; SELECT 1')).toEqual([
      '/*!80000 SET a = 1; */',
      'SELECT 1',
    ]);
  });

  test('refuses stored programs instead of cutting them', () => {
    expect(() => splitStatements('DELIMITER //\nCREATE PROCEDURE p() BEGIN END//')).toThrow('DELIMITER');
  });
});
