import { describe, expect, it } from 'vitest';
import { ago } from './dates';

const NOW = Date.parse('2026-03-10T12:00:00.000Z');

describe('ago', () => {
  it.each([
    ['2026-03-10T11:59:50.000Z', 'this minute'],
    ['2026-03-10T11:45:00.000Z', '15 min. ago'],
    ['2026-03-10T09:00:00.000Z', '3 hr. ago'],
    ['2026-03-09T11:00:00.000Z', 'yesterday'],
    ['2026-03-12T13:00:00.000Z', 'in 2 days'],
  ])('says %s as %s', (time, said) => expect(ago(time, NOW)).toBe(said));

  it('gives the day beyond a week', () => expect(ago('2025-12-24T12:00:00.000Z', NOW)).toContain('2025'));
});
