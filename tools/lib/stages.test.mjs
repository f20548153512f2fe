import { expect, test } from 'vitest';
import { countPlaywright, countVitest } from './stages.mjs';

const file = (status, ...statuses) => ({ status, assertionResults: statuses.map((each) => ({ status: each })) });

test('passed and failed tests are counted, skipped ones are not', () => {
  const testResults = [
    file('passed', 'passed', 'passed', 'skipped'),
    file('failed', 'passed', 'failed', 'failed', 'todo'),
  ];
  expect(countVitest({ testResults })).toEqual({ passed: 3, failed: 2 });
});

test('a file that broke before its tests ran is one failure', () => {
  expect(countVitest({ testResults: [file('failed'), file('failed', 'skipped', 'skipped')] })).toEqual({
    passed: 0,
    failed: 2,
  });
});

test('a test whose process died is a failure, though vitest calls its file passed', () => {
  expect(countVitest({ testResults: [file('passed', 'passed', 'pending')] })).toEqual({ passed: 1, failed: 1 });
});

test("an error outside any of the browser's tests is a failure", () => {
  const stats = { expected: 4, flaky: 0, unexpected: 1, skipped: 2 };
  expect(countPlaywright({ stats, errors: [{ message: 'no server' }] })).toEqual({ passed: 4, failed: 2 });
});
